package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// TestSchemaAndLoaderAgree: of every example, every broken file and 1,000
// mutations of them, the schema accepts those whose shape the loader accepts.
func TestSchemaAndLoaderAgree(t *testing.T) {
	schema := compiledSchema(t)
	seeds := examples(t)
	for _, path := range seeds {
		if data, ok := asFile(t, path); ok {
			agree(t, schema, path, data)
		}
	}
	random := rand.New(rand.NewPCG(4, 2))
	accepted := 0
	const mutations = 1000
	for i := range mutations {
		path := seeds[random.IntN(len(seeds))]
		data, ok := asFile(t, path)
		var doc yaml.Node
		if !ok || yaml.Unmarshal(data, &doc) != nil {
			continue
		}
		mutate(&doc, random)
		mutated, err := yaml.Marshal(&doc)
		if err != nil {
			continue // aliases without anchors
		}
		if agree(t, schema, fmt.Sprintf("mutation %d of %s", i, path), mutated) {
			accepted++
		}
	}
	if accepted < mutations/20 || accepted > mutations*19/20 {
		t.Errorf("%d of %d mutations are accepted: they say little", accepted, mutations)
	}
}

// agree holds schema and loader against each other and says whether they accept.
func agree(t *testing.T, schema *jsonschema.Schema, name string, data []byte) bool {
	t.Helper()
	_, problems := decoded(data)
	return agreeOn(t, schema, sample{name, data, problems})
}

// sample is a file with what the loader says of it.
type sample struct {
	name     string
	data     []byte
	problems []Problem
}

func agreeOn(t *testing.T, schema *jsonschema.Schema, s sample) bool {
	t.Helper()
	name, data, problems := s.name, s.data, s.problems
	if slices.ContainsFunc(problems, func(p Problem) bool { return p.kind == text }) {
		return false // what is wrong does not reach a schema
	}
	value, err := asJSON(data)
	if err != nil {
		if !Broken(problems) {
			t.Errorf("%s: %v, but the loader reads it\n%s", name, err, data)
		}
		return false
	}
	refused := schema.Validate(value)
	ours := slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.kind != shape })
	if (refused == nil) != (len(ours) == 0) {
		t.Errorf("%s:\nthe schema says %v\nthe loader says\n%s\nof\n%s", name, refused, lines(ours), data)
	}
	return refused == nil
}

// decoded reads a main file as far as its shape.
func decoded(data []byte) (*File, []Problem) { return decodedBy(newForms(), data) }

// decodedBy is decoded with forms that were made before.
func decodedBy(forms *forms, data []byte) (*File, []Problem) {
	d := &document{name: "tollgate.yaml", data: data}
	problems := d.parse()
	var f File
	if d.root != nil {
		decoder := &decoder{doc: d, forms: forms}
		decoder.decode(d.root, forms.file, reflect.ValueOf(&f).Elem(), nil)
		problems = append(problems, decoder.problems...)
	}
	return &f, problems
}

// asJSON gives what a validator of JSON sees of a file.
func asJSON(data []byte) (any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(fromJSON(data), &doc); err != nil {
		return nil, err
	}
	stringKeys(&doc, map[*yaml.Node]bool{})
	var value any
	if err := doc.Decode(&value); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
}

// stringKeys makes every key a text, and every date, as YAML 1.2 and JSON do.
func stringKeys(n *yaml.Node, seen map[*yaml.Node]bool) {
	if n == nil || seen[n] {
		return
	}
	seen[n] = true
	for i, c := range n.Content {
		if c.ShortTag() == "!!timestamp" || n.Kind == yaml.MappingNode && i%2 == 0 && c.Kind == yaml.ScalarNode && c.ShortTag() != "!!merge" {
			c.Tag = "!!str"
		}
		stringKeys(c, seen)
	}
	stringKeys(n.Alias, seen)
}

func compiledSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tollgate.schema.json", doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := c.Compile("tollgate.schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// examples are all files that are loaded somewhere: the examples of the docs,
// the broken ones, and the good ones of these tests.
func examples(tb testing.TB) []string {
	tb.Helper()
	var out []string
	for _, pattern := range []string{"../../../../docs/examples/*/*.yaml", "testdata/bad/*.bad.yaml", "testdata/good/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			tb.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		out = append(out, paths...)
	}
	return out
}

// asFile reads an example; those of a megabyte of brackets are no seeds.
func asFile(tb testing.TB, path string) ([]byte, bool) {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data, len(data) < 20_000
}

// mutate changes one to three things of a document.
func mutate(doc *yaml.Node, random *rand.Rand) {
	for range 1 + random.IntN(3) {
		var all []*yaml.Node
		collect(doc, &all)
		if len(all) == 0 {
			return
		}
		n := all[random.IntN(len(all))]
		switch random.IntN(6) {
		case 0: // another scalar
			*n = scalarOf(odd(random))
		case 1: // into a list
			*n = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Content: n.Content, Alias: n.Alias}}}
		case 2: // without its last
			drop := 1
			if n.Kind == yaml.MappingNode {
				drop = 2
			}
			n.Content = n.Content[:max(0, len(n.Content)-drop)]
		case 3: // a letter more
			n.Value += "s"
		case 4: // a letter less
			n.Value = n.Value[:max(0, len(n.Value)-1)]
		case 5: // another key
			if n.Kind == yaml.MappingNode {
				key, value := scalarOf(oddKey(random)), scalarOf(odd(random))
				n.Content = append(n.Content, &key, &value)
			}
		}
	}
}

func collect(n *yaml.Node, into *[]*yaml.Node) {
	for _, c := range n.Content {
		*into = append(*into, c)
		collect(c, into)
	}
}

// scalarOf makes a scalar of text that YAML itself gives a type to.
func scalarOf(written string) yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(written), &doc); err != nil || len(doc.Content) == 0 {
		return yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: written}
	}
	return *doc.Content[0]
}

func odd(random *rand.Rand) string {
	all := strings.Split("true|false|null|0|1|-1|1.5|1.0|1e3|text|\"5\"|5m|1h30m|5 minutes|64MiB|64 MiB|2024-01-01|all|none|allow|deny|info|HS256|env://HMAC|base64:YWJj|[]|{}|[a]|{a: b}|[1, 2]|*|GET|9223372036854775808", "|")
	return all[random.IntN(len(all))]
}

func oddKey(random *rand.Rand) string {
	all := []string{"version", "log", "id", "name", "rate", "allow", "methods", "claims", "x", "42", "quota", "tags", "meta"}
	return all[random.IntN(len(all))]
}

// TestSchemaAcceptsMistakesOfMeaning: what only a look at the whole can find is
// no business of the schema.
func TestSchemaAcceptsMistakesOfMeaning(t *testing.T) {
	schema := compiledSchema(t)
	for _, name := range []string{
		"dangling-policy", "dangling-api", "duplicate-api", "duplicate-policy", "algorithm-without-key",
		"key-two-sources", "key-no-source", "key-unbound", "pem-garbage", "pem-private", "env-unset", "file-missing",
		"listen-all", "listen-same", "token-endpoints", "regex-open", "inject-unknown", "metadata-url",
	} {
		path := "testdata/bad/" + name + ".bad.yaml"
		value, err := asJSON([]byte(read(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: the schema refuses it: %v", name, err)
		}
		if _, problems := loaderOf(path).Load(t.Context()); !Broken(problems) {
			t.Errorf("%s: the loader accepts it", name)
		}
	}
}
