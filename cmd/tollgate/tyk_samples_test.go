package main

import (
	"io"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
)

// TestTykSamples: the samples of Tyk's own files decide as their cases say, on
// every surface.
func TestTykSamples(t *testing.T) {
	files, err := cases.Find("../../policies/samples/tyk")
	if err != nil {
		t.Fatal(err)
	}
	terminal := &terminal{out: io.Discard, err: io.Discard, getenv: func(string) (string, bool) { return "", false }, now: nil}
	runner := &cases.Runner{Surfaces: terminal.surfaces()}
	passed := map[string]int{}
	for _, file := range files {
		for _, r := range runner.Run(t.Context(), file) {
			if r.Failed() {
				t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
			}
			if !r.Unasked {
				passed[r.Surface]++
			}
		}
	}
	if len(files) != 7 || passed["engine"] < 38 || passed["grpc"] != passed["engine"] {
		t.Errorf("%d files, %v", len(files), passed)
	}
}
