package cases

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite docs/cases.schema.json")

const committed = "../../../../docs/cases.schema.json"

func TestTheCommittedSchemaIsTheGeneratedOne(t *testing.T) {
	generated, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(committed, generated, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := os.ReadFile(committed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(found), string(generated)); diff != "" {
		t.Errorf("run go test ./cmd/tollgate/internal/cases -run Schema -update: %s", diff)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	generated, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(generated))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("cases.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("cases.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// valid says what the schema says of a YAML text.
func valid(t *testing.T, schema *jsonschema.Schema, data []byte) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

func TestSchemaAndReaderAgreeOnShape(t *testing.T) {
	schema := compiled(t)
	files, err := Find("testdata", "../../../../policies/samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, schema, data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	// One change of shape each, which both have to refuse.
	good := head + "credentials: [{id: c, secrets: k, policies: [p], expires: +1h}]\nrevocations: [{kind: jti, value: x}]\n" +
		"token: {claims: {sub: a}}\ncases:\n- name: a\n  store: {away: true}\n  expect: {decision: deny, reason: token_expired, steps: [target, {step: match}], edits: {x: null}, body: {a: 1}}\n"
	if _, err := parse("good", []byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := valid(t, schema, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"cases:", "casse:"},
		{"name: a", "nam: a"},
		{"decision: deny", "decision: maybe"},
		{"decision: deny, ", ""},
		{"alg: HS256", "alg: HS1"},
		{"steps: [target", "steps: [7, [target]"},
		{"edits: {x: null}", "edits: [x]"},
		{"body: {a: 1}", "body: [1]"},
		{"{claims: {sub: a}}", "all"},
		{"{claims: {sub: a}}", "{claim: {sub: a}}"},
		{"url: http://h/", "ulr: http://h/"},
		{"kind: jti", "kind: jit"},
		{"id: c, ", ""},
		{"secrets: k, ", ""},
		{"policies: [p]", "policies: p"},
		{"away: true", "gone: true"},
		{"config: {version: 1}", "config: [1]"},
		{"config: {version: 1}\n", ""},
		{"cases:\n- name: a", "cases: []\nabout:\n- name: a"},
	} {
		broken := strings.Replace(good, change[0], change[1], 1)
		if broken == good {
			t.Fatalf("%q is not in the file", change[0])
		}
		if _, err := parse("broken", []byte(broken)); err == nil {
			t.Errorf("the reader takes %q", change[1])
		}
		if err := valid(t, schema, []byte(broken)); err == nil {
			t.Errorf("the schema takes %q", change[1])
		}
	}
}

// The page describes every key of the format, and its example runs.
func TestThePageDescribesTheFormat(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/cases.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = true
	}
	written := map[string]bool{}
	for _, one := range []any{File{}, Key{}, Case{}, Request{}, Token{}, Expect{}, Credential{}, Revocation{}, Split{}, Store{}} {
		for field := range reflect.TypeOf(one).Fields() {
			if name := field.Tag.Get("yaml"); name != "" && name != "-" {
				written[name] = true
			}
		}
	}
	if diff := cmp.Diff(written, documented); diff != "" {
		t.Error(diff)
	}
	_, rest, _ := strings.Cut(string(page), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"tollgate.yaml": "version: 1\napis:\n- {id: orders, match: [{host: '*', path: /orders}], keys: [{pem: file://issuer.pem, issuer: https://issuer.example/}], claims: {audiences: [orders]}, policies: {default: [all]}}\n" +
			"policies: [{id: all, access: {orders: {allow: all}}}]\n",
		"cases/orders.case.yaml": example,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	results := (&Runner{Surfaces: []Surface{Direct(Parts{})}}).Run(t.Context(), filepath.Join(dir, "cases", "orders.case.yaml"))
	if len(results) != 4 {
		t.Errorf("%d results", len(results))
	}
	for _, r := range results {
		if !r.Passed() {
			t.Errorf("%s: %s %v", r.Case, r.Error, r.Differences)
		}
	}
}
