package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
)

// equivalent is what stands for the sample's own words when its cases run on the
// native file of the guide.
type equivalent struct {
	change   []string // of the case file: old, new, …
	otherway []string // cases that the report of an import lets come otherwise
}

func equivalents() map[string]equivalent {
	secret := func(name string) []string {
		return []string{"for: YSBzZWNyZXQgb2YgdGhlIGlzc3VlciBvZiB0b2tlbnM=", "for: env://" + name}
	}
	return map[string]equivalent{
		"hmac":     {change: []string{"\nrequest: ", "\nvalues: {\"env://QUICK_SECRET\": tyk123}\nrequest: "}},
		"rsa":      {change: []string{"for: dGhlIHB1YmxpYyBrZXkgb2YgdGhlIGlzc3Vlcg==", "for: file://issuer.pem"}},
		"jwks":     {otherway: []string{"good"}}, // its headers are texts with variables of Tyk
		"scopes":   {change: secret("SHOP_SECRET")},
		"skew":     {change: secret("SKEW_SECRET")},
		"auth0":    {},
		"keycloak": {},
	}
}

var exampleOfGuide = regexp.MustCompile("(?ms)^### ([a-z0-9]+): .*?^```yaml\n(.*?)^```$")

// TestTykNativeEquivalents: the native files of the guide decide the cases of
// Tyk's own files as those do.
func TestTykNativeEquivalents(t *testing.T) {
	guide, err := os.ReadFile("../../docs/from-tyk.md")
	if err != nil {
		t.Fatal(err)
	}
	all, passed := equivalents(), 0
	for _, found := range exampleOfGuide.FindAllStringSubmatch(string(guide), -1) {
		known, ok := all[found[1]]
		if !ok {
			t.Fatalf("the example %s has no sample", found[1])
		}
		delete(all, found[1])
		passed += known.holds(t, found[1], found[2])
	}
	if len(all) > 0 || passed < 100 {
		t.Errorf("%d passed; the guide shows nothing of %v", passed, all)
	}
}

// TestTykSamplesImported: what import writes of a sample decides its cases as the
// sample does, but for what the report says.
func TestTykSamplesImported(t *testing.T) {
	passed := 0
	for name, known := range equivalents() {
		switch name {
		case "rsa": // its key stands for one that is made for the run: there is nothing to import
			continue
		case "hmac":
			known.change = nil
		default:
			known.change = []string{"for: YSBz", "for: base64:YSBz"}
		}
		s := &shell{dir: t.TempDir(), env: map[string]string{"HOLDER": "no-such-text"}}
		out := s.expect(t, exitOK, "", "import", "tyk", "../../policies/samples/tyk/"+name, "--write", s.config())
		if reported := strings.Contains(out, "X-User is not sent"); reported != (len(known.otherway) > 0) {
			t.Errorf("%s: the report: %s", name, out)
		}
		native, err := os.ReadFile(s.config())
		if err != nil {
			t.Fatal(err)
		}
		passed += known.holds(t, name, string(native))
	}
	if passed < 80 {
		t.Errorf("%d passed", passed)
	}
}

// holds runs the cases of a sample on a native file.
func (e equivalent) holds(t *testing.T, name, native string) (passed int) {
	t.Helper()
	text, err := os.ReadFile("../../policies/samples/tyk/" + name + ".case.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, content := range map[string]string{
		name + ".yaml": native, name + ".case.yaml": strings.NewReplacer(e.change...).Replace(string(text)),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	terminal := &terminal{out: io.Discard, err: io.Discard, getenv: func(string) (string, bool) { return "", false }, now: nil}
	runner := &cases.Runner{Surfaces: terminal.surfaces()}
	for _, r := range runner.Run(t.Context(), filepath.Join(dir, name+".case.yaml")) {
		if r.Failed() != slices.Contains(e.otherway, r.Case) && !r.Unasked {
			t.Errorf("%s: %s (%s): %s %v", name, r.Case, r.Surface, r.Error, r.Differences)
		}
		if r.Passed() {
			passed++
		}
	}
	return passed
}
