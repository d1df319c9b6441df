package main

import (
	"io"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
)

// The product's own cases and those of the samples, on every surface there is: the
// engine, the gRPC server, the command and the admin API agree.
func TestEverySurfaceAgrees(t *testing.T) {
	files, err := cases.Find("internal/cases/testdata/product", "../../policies/samples")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	terminal := &terminal{out: io.Discard, err: io.Discard, getenv: func(string) (string, bool) { return "", false }, now: nil}
	runner := &cases.Runner{Surfaces: terminal.surfaces()}
	for _, file := range files {
		for _, r := range runner.Run(t.Context(), file) {
			if r.Failed() {
				t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
			}
			if !r.Unasked {
				asked[r.Surface]++
			}
		}
	}
	// What a surface cannot be asked is left out there: a command line has no
	// context_extensions, no client address and no store that the file fills; JSON
	// has no bytes that are not UTF-8.
	if asked["engine"] != asked["grpc"] || asked["check"] < asked["engine"]*2/3 || asked["explain"] < asked["engine"]*19/20 ||
		asked["server"] < asked["engine"]*9/10 {
		t.Errorf("asked: %v", asked)
	}
	t.Logf("asked: %v", asked)
}
