package main

import (
	"os"
	"path/filepath"
	"testing"
)

// tykFolder is a folder with a native file that includes files of Tyk.
func tykFolder(t *testing.T, include string, files map[string]string) *shell {
	t.Helper()
	s := &shell{dir: t.TempDir(), env: map[string]string{"HOLDER": "no-such-text"}}
	files["tollgate.yaml"] = "version: 1\nlisten: {check: \"127.0.0.1:0\"}\ninclude: [" + include + "]\n"
	for name, text := range files {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

const (
	goodTyk = `{"api_id": "a", "enable_jwt": true, "jwt_signing_method": "hmac", "jwt_source": "dHlrMTIz",
 "proxy": {"listen_path": "/a/"},
 "jwt_default_policies": ["gone"],
 "scopes": {"jwt": {"scope_to_policy": {"read": "lost", "write": "here"}}}}`
	goodRules = `{"here": {"access_rights": {"a": {}}}}`
)

// Files of Tyk that are wrong are told all at once, each at its file, line and
// field, in Tyk's own spelling.
func TestTykFilesTellAllThatIsWrong(t *testing.T) {
	s := tykFolder(t, `"tyk/*.json"`, map[string]string{
		"tyk/a.json": goodTyk, "tyk/again.json": goodTyk,
		"tyk/b.json":     "{\"api_id\": \"b\",\n \"enable_jwt\": true, \"jwt_source\": 7,\n \"proxy\": {\"listen_path\": [\"/b/\"]}}",
		"tyk/rules.json": "{\"here\": {\"access_rights\": {\"a\": {}}},\n \"there\": {\"id\": \"here\",\n  \"rate\": \"5\", \"access_rights\": {\"a\": {\"versions\": \"v1\"}}}}",
	})
	path := func(name string) string { return filepath.Join(s.dir, "tyk", name) }
	for _, want := range []string{
		path("again.json") + `:1:12: api_id: another definition has the id "a"`,
		path("b.json") + ":2:36: jwt_source: it is not a string",
		path("b.json") + ":3:27: proxy.listen_path: it is not a string",
		path("rules.json") + ":3:11: there.rate: it is not a number",
		path("rules.json") + `:2:11: there: another policy of this org has the id "here"`,
		path("rules.json") + ":3:52: there.access_rights.a.versions: it is not an array",
	} {
		s.expect(t, exitFail, want, "validate", "--config", s.config())
	}
}

// A policy that a definition names and nobody has is a warning, at the definition.
func TestTykFilesTellOfMissingPolicies(t *testing.T) {
	s := tykFolder(t, `"tyk/*.json"`, map[string]string{"tyk/a.json": goodTyk, "tyk/rules.json": goodRules})
	for _, missing := range []string{`"gone"`, `"lost"`} {
		s.expect(t, exitOK, missing, "validate", "--config", s.config())
	}
	s.expect(t, exitOK, filepath.Join(s.dir, "tyk", "a.json")+":1:1: ", "validate", "--config", s.config())
}

// What is included cannot include itself, or others in a ring.
func TestTykFilesInARing(t *testing.T) {
	s := tykFolder(t, `"*.yaml", "tyk/*.json"`, map[string]string{"tyk/a.json": goodTyk, "tyk/rules.json": goodRules})
	s.expect(t, exitFail, "include", "validate", "--config", s.config())
	s = tykFolder(t, `"more.yaml"`, map[string]string{"more.yaml": "include: [tollgate.yaml]\n", "tyk/a.json": goodTyk})
	s.expect(t, exitFail, filepath.Join(s.dir, "more.yaml")+":1:1: ", "validate", "--config", s.config())
}

// A file of 100 MB is refused for its size, before it is read, and the others are
// judged all the same.
func TestTykFilesOfAnySize(t *testing.T) {
	s := tykFolder(t, `"tyk/*.json"`, map[string]string{"tyk/a.json": goodTyk, "tyk/b.json": `{"api_id": 7, "enable_jwt": true}`, "tyk/big.json": "{"})
	big := filepath.Join(s.dir, "tyk", "big.json")
	if err := os.Truncate(big, 100<<20); err != nil {
		t.Fatal(err)
	}
	s.expect(t, exitFail, big, "validate", "--config", s.config())
	s.expect(t, exitFail, "api_id: it is not a string", "validate", "--config", s.config())
	s.expect(t, exitUsage, "larger than 16 MiB", "import", "tyk", filepath.Join(s.dir, "tyk"))
}
