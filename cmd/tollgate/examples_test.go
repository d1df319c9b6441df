package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// The example of every setting loads as a whole, Tyk file included, with the
// variables that stand beside it and nothing else.
func TestTheFullExampleLoads(t *testing.T) {
	const dir = "../../docs/examples/full"
	text, err := os.ReadFile(filepath.Join(dir, "variables"))
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			variables[name] = value
		}
	}
	for _, without := range append(slices.Sorted(maps.Keys(variables)), "") {
		var out, errs bytes.Buffer
		terminal := &terminal{out: &out, err: &errs, now: time.Now, getenv: func(name string) (string, bool) {
			value, ok := variables[name]
			return value, ok && name != without
		}}
		code := run(t.Context(), terminal, []string{"validate", "--config", filepath.Join(dir, "tollgate.yaml")})
		switch {
		case without == "" && (code != exitOK || !strings.Contains(out.String(), "valid: 3 APIs, 3 policies") || errs.Len() > 0):
			t.Errorf("exit status %d: %s%s", code, &out, &errs)
		case without != "" && (code != exitFail || !strings.Contains(out.String()+errs.String(), without)):
			t.Errorf("without %s: exit status %d: %s%s", without, code, &out, &errs)
		}
	}
}

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
