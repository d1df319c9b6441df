package tyk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// field is one row of fields.yaml.
type field struct {
	Field, State, By, Value, At string
	Without                     string // a field of the base that is left out
	Beside                      string // fields added to the base
}

func readFields(t *testing.T) map[string][]field {
	t.Helper()
	data, err := os.ReadFile("testdata/fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string][]field
	if err := yaml.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFieldsProved: every row is proved by what it names.
func TestFieldsProved(t *testing.T) {
	known := map[string]bool{}
	for _, r := range records(t) {
		known[r.ID] = true
	}
	for _, name := range exampleNames(t) {
		known[name] = true
	}
	sources, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "\nfunc ")[1:] {
			name, _, _ := strings.Cut(part, "(")
			known[name] = true
		}
	}
	for kind, rows := range readFields(t) {
		for _, f := range rows {
			switch f.State {
			case "honoured":
				if !known[f.By] {
					t.Errorf("%s %s: nothing is called %s", kind, f.Field, f.By)
				}
			case "reported":
				f.isReported(t, kind)
			case "inert":
				if len(f.By) < 8 {
					t.Errorf("%s %s: why is it inert?", kind, f.Field)
				}
			default:
				t.Errorf("%s %s: state %q", kind, f.Field, f.State)
			}
		}
	}
}

// isReported loads a file with the field and looks for the message.
func (f *field) isReported(t *testing.T, kind string) {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(f.Value), &value); err != nil {
		t.Fatalf("%s: value: %v", f.Field, err)
	}
	doc, _ := f.set(t, kind, value)
	prefix := prefixOf(kind)
	at := f.At
	if at == "" {
		at = f.Field
	}
	l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{})
	if !slices.ContainsFunc(l.Findings, func(got Finding) bool { return got.ID == f.By && got.Field == prefix+at }) {
		t.Errorf("%s %s: no message %s at it: %+v", kind, f.Field, f.By, l.Findings)
	}
}

// base is a small file of one kind.
func base(kind string) map[string]any {
	switch kind {
	case "classic":
		return map[string]any{
			"api_id": "a", "enable_jwt": true, "jwt_signing_method": "hmac", "jwt_source": b64std(hmacOfTests), "jwt_policy_field_name": "",
			"proxy": map[string]any{"listen_path": "/a/"},
		}
	case "oas", "extension":
		g := map[string]any{"enabled": true, "header": map[string]any{"enabled": true}, "signingMethod": "hmac", "source": b64std(hmacOfTests)}
		return map[string]any{
			"openapi": "3.0.3", "security": []any{map[string]any{"jwtAuth": []any{}}},
			"components": map[string]any{"securitySchemes": map[string]any{"jwtAuth": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": "jwt"}}},
			"x-tyk-api-gateway": map[string]any{
				"info": map[string]any{"id": "a"},
				"server": map[string]any{"listenPath": map[string]any{"value": "/a/"}, "authentication": map[string]any{
					"enabled": true, "securitySchemes": map[string]any{"jwtAuth": g},
				}},
			},
		}
	case "policy":
		return map[string]any{"id": "p", "access_rights": map[string]any{"a": map[string]any{}}}
	}
	return map[string]any{"listen_port": 8080, "secret": "x", "app_path": "/apps"}
}

// TestFieldsComplete: no field of a recorded definition or policy is in none of
// the rows.
func TestFieldsComplete(t *testing.T) {
	rows := map[string]map[string]bool{}
	for kind, list := range readFields(t) {
		rows[kind] = map[string]bool{}
		for _, f := range list {
			for path := f.Field; path != ""; path, _, _ = cutLast(path) {
				rows[kind][path] = true
			}
		}
	}
	for _, r := range records(t) {
		for _, a := range r.APIs {
			var doc map[string]any
			if err := json.Unmarshal(a.Def, &doc); err != nil {
				t.Fatal(err)
			}
			if a.Kind == "oas" {
				extension := doc["x-tyk-api-gateway"].(map[string]any)
				for _, section := range []string{"info", "server", "server.authentication", "middleware.global"} {
					missing(t, r.ID, member(extension, section), rowsOf{rows["extension"], section + "."})
				}
				doc, _ = member(extension, "server.authentication.securitySchemes")["jwtAuth"].(map[string]any)
			}
			missing(t, r.ID, doc, rowsOf{rows[a.Kind], ""})
		}
		for _, p := range r.Policies {
			var doc map[string]any
			if err := json.Unmarshal(p, &doc); err != nil {
				t.Fatal(err)
			}
			missing(t, r.ID, doc, rowsOf{rows["policy"], ""})
			rights, _ := doc["access_rights"].(map[string]any)
			for _, right := range rights {
				missing(t, r.ID, right.(map[string]any), rowsOf{rows["policy"], "access_rights.a."})
			}
		}
	}
}

// rowsOf are the rows of a kind that begin with a prefix.
type rowsOf struct {
	rows   map[string]bool
	prefix string
}

func missing(t *testing.T, id string, doc map[string]any, k rowsOf) {
	t.Helper()
	for name := range doc {
		if path := k.prefix + name; !k.rows[path] && path != "server.authentication.securitySchemes" {
			t.Errorf("%s: fields.yaml says nothing of %s", id, path)
			k.rows[path] = true
		}
	}
}

// member gives an object by its path; nil where there is none.
func member(doc map[string]any, path string) map[string]any {
	for name := range strings.SplitSeq(path, ".") {
		doc, _ = doc[name].(map[string]any)
	}
	return doc
}

// cutLast cuts the last name off a path.
func cutLast(path string) (before, last string, found bool) {
	at := strings.LastIndexByte(path, '.')
	if at < 0 {
		return "", path, false
	}
	return path[:at], path[at+1:], true
}

// TestFieldsInGuide: the guide for people who leave Tyk says of every field what
// becomes of it.
func TestFieldsInGuide(t *testing.T) {
	guide, err := os.ReadFile("../../../../docs/from-tyk.md")
	if err != nil {
		t.Fatal(err)
	}
	for kind, rows := range readFields(t) {
		for _, f := range rows {
			what := map[string]string{"honoured": "as in Tyk", "reported": "reported (`" + f.By + "`)", "inert": "no effect: " + f.By}[f.State]
			if !strings.Contains(string(guide), "| `"+f.Field+"` | "+what+" |") {
				t.Errorf("%s: %s is not %q there", kind, f.Field, what)
			}
		}
	}
}
