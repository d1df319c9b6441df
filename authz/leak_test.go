package authz

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the package when an engine leaves goroutines behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
