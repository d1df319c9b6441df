package main

import (
	"io"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
)

// The product's own cases and those of the samples, on every surface there is:
// the engine, the gRPC server and the command agree.
func TestEverySurfaceAgrees(t *testing.T) {
	files, err := cases.Find("internal/cases/testdata/product")
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
	// What a command line cannot say is left out there: context_extensions, blanks
	// around a value, a client address.
	if asked["engine"] != asked["grpc"] || asked["check"] < asked["engine"]*9/10 {
		t.Errorf("asked: %v", asked)
	}
}
