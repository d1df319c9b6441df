package main

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

// Every example and every sample names the schema that an editor checks it by, at a
// path that leads there. Files that others include have none.
func TestExamplesNameTheirSchema(t *testing.T) {
	named := regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)
	seen := map[string]int{}
	for _, root := range []string{"../../docs/examples", "../../policies/samples"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			want := "../../cmd/tollgate/internal/config/schema.json"
			switch {
			case strings.HasSuffix(path, cases.Suffix):
				want = "../../docs/cases.schema.json"
			case !strings.Contains("\n"+string(data), "\nversion:"):
				return nil
			}
			seen[want]++
			found := named.FindSubmatch(data)
			if found == nil || filepath.Join(filepath.Dir(path), string(found[1])) != filepath.Clean(want) {
				t.Errorf("%s does not begin with the schema %s", path, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for schema, files := range seen {
		if _, err := os.Stat(schema); err != nil || files < 5 {
			t.Errorf("%d files name %s: %v", files, schema, err)
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
