package tyk

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// native imports files and loads what comes of it as anybody would.
func (g *gateway) native(t *testing.T, files []config.ForeignFile, o Options) (*authz.Engine, []Finding) {
	t.Helper()
	loaded := Load(files, o)
	data, err := loaded.Native()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tollgate.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	limits := authz.NewLimits(authz.LimitsOptions{Now: g.clock.time})
	limits.Use(g.backend, false)
	e := authz.New(authz.Options{Now: g.clock.time, Credentials: g.kept, Limiter: limits})
	t.Cleanup(e.Close)
	l := config.Loader{Path: path, Check: e.Check, Env: func(string) (string, bool) { return "", false }, Now: g.clock.time}
	c, problems := l.Load(t.Context())
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("what import writes does not load: %s\n%s", p, lineOf(string(data), p.Line))
		}
	}
	snapshot, found := e.Compile(t.Context(), c.Spec)
	if snapshot == nil {
		t.Fatalf("what import writes does not compile: %s", firstError(found))
	}
	e.Swap(snapshot)
	return e, loaded.Findings
}

func lineOf(text string, n int) string {
	lines := strings.Split(text, "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// TestImportRecords: what import writes decides the records as the files
// themselves do, except where the report says why not.
func TestImportRecords(t *testing.T) {
	all := records(t)
	for _, name := range []string{"sample", "legacy"} {
		list := slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.Gateway != name })
		direct, other := newGateway(t), newGateway(t)
		refused := direct.load(t, name, list)
		var files []config.ForeignFile
		for i := range list {
			if refused[list[i].ID] == "" {
				files = append(files, other.files(&list[i])...)
				other.issuer.set(list[i].Dyn)
			}
		}
		engine, findings := other.native(t, files, options(name))
		reported := reports(findings)
		steps, reportedSteps := 0, 0
		for i := range list {
			r := &list[i]
			if refused[r.ID] != "" {
				continue
			}
			direct.createKeys(t, r)
			other.createKeys(t, r)
			for j := range r.Steps {
				s := &r.Steps[j]
				direct.advance(s)
				other.advance(s)
				want := direct.engine.Decide(t.Context(), direct.request(t, s))
				got := engine.Decide(t.Context(), other.request(t, s))
				steps++
				if got.Outcome == want.Outcome {
					continue
				}
				if why := reported[r.ID]; why != "" {
					reportedSteps++
					continue
				}
				t.Errorf("%s step %d: %s %s, the files %s %s", r.ID, j, got.Outcome, got.Reason, want.Outcome, want.Reason)
			}
		}
		t.Logf("%s: %d steps, %d otherwise as the report says", name, steps, reportedSteps)
	}
}

// reports gives what is lost of each scenario that may change a decision.
func reports(findings []Finding) map[string]string {
	out := map[string]string{}
	for _, f := range findings {
		switch f.ID {
		case "native-skip-rate", "native-skip-quota", "native-skip-kid", "native-merge", "native-keys", "native-versions", "native-location", "native-policy", "native-org", "native-api":
			id := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(f.File), ".json"), "-policies")
			if at := strings.LastIndex(id, "-"); strings.Count(id, "-") > 1 {
				id = id[:at]
			}
			out[id] += fmt.Sprintf("%s: %s\n", f.Field, f.Reason)
		}
	}
	return out
}
