package envoy

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when a goroutine outlives the tests. The benchmarks
// start this binary again as the server that they measure.
func TestMain(m *testing.M) {
	if name := os.Getenv(benchServerEnv); name != "" {
		os.Exit(runBenchServer(name))
	}
	goleak.VerifyTestMain(m)
}
