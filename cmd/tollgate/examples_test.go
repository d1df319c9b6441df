package main

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// The quick starts: their files load without a warning, and decide what they
// promise on every surface.
func TestQuickStarts(t *testing.T) {
	terminal := &terminal{out: io.Discard, err: io.Discard, getenv: func(string) (string, bool) { return "", false }}
	runner := &cases.Runner{Surfaces: terminal.surfaces()}
	for _, name := range []string{"keycloak", "auth0"} {
		dir := filepath.Join("../../docs/examples", name)
		loader := &config.Loader{Path: filepath.Join(dir, "tollgate.yaml"), Env: terminal.getenv, Check: func(spec authz.Spec) []authz.Problem {
			engine := authz.New(authz.Options{})
			defer engine.Close()
			return engine.Check(spec)
		}}
		if _, problems := loader.Load(t.Context()); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
		files, err := cases.Find(dir)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no cases: %v", name, err)
		}
		for _, file := range files {
			for _, r := range runner.Run(t.Context(), file) {
				if r.Failed() {
					t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
				}
			}
		}
	}
}
