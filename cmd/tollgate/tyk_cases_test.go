package main

import (
	"io"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
)

// TestTykMergeCases: what names the policies of a token, and the worked examples
// of how Tyk merges policies, come out as their case files say, on every surface.
func TestTykMergeCases(t *testing.T) {
	files, passed := runCases(t, "internal/tyk/testdata")
	if files < 68 || passed["engine"] < 140 || passed["grpc"] != passed["engine"] || passed["check"] < 110 || passed["explain"] < 110 {
		t.Errorf("%d files, %v", files, passed)
	}
}

// TestTykSamples: the samples of Tyk's own files decide as their cases say, on
// every surface.
func TestTykSamples(t *testing.T) {
	files, passed := runCases(t, "../../policies/samples/tyk")
	if files != 7 || passed["engine"] < 38 || passed["grpc"] != passed["engine"] {
		t.Errorf("%d files, %v", files, passed)
	}
}

// runCases runs the case files below a folder on every surface and tells how many
// files there are, and how many cases passed on each surface.
func runCases(t *testing.T, dir string) (int, map[string]int) {
	t.Helper()
	files, err := cases.Find(dir)
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
			if r.Passed() {
				passed[r.Surface]++
			}
		}
	}
	return len(files), passed
}
