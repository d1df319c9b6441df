package cases

import (
	"fmt"
	"strings"

	"github.com/invopop/jsonschema"
	"go.yaml.in/yaml/v3"
)

// The types of the format that may be written in more than one way, each with
// what the JSON Schema says of it.

// Texts is one text or a list of texts.
type Texts []string

// UnmarshalYAML reads both forms.
func (t *Texts) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*t = Texts{n.Value}
		return nil
	}
	return n.Decode((*[]string)(t))
}

// JSONSchema describes both forms.
func (Texts) JSONSchema() *jsonschema.Schema {
	return either(text(), &jsonschema.Schema{Type: "array", Items: text()})
}

// Lines are header lines in order.
type Lines []Line

// Line is one header; no values takes away what the file sets.
type Line struct {
	Name   string
	Values Texts
}

// UnmarshalYAML reads a mapping from name to a text, a list or null.
func (l *Lines) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return at(n, "headers is a mapping from name to value")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		line := Line{Name: strings.ToLower(n.Content[i].Value)}
		if value := n.Content[i+1]; value.Tag != "!!null" {
			if err := value.Decode(&line.Values); err != nil {
				return at(value, "a header is a text, a list of texts or null")
			}
		}
		*l = append(*l, line)
	}
	return nil
}

// JSONSchema describes the mapping.
func (Lines) JSONSchema() *jsonschema.Schema {
	value := either(text(), &jsonschema.Schema{Type: "number"}, &jsonschema.Schema{Type: "boolean"},
		&jsonschema.Schema{Type: "array", Items: text()}, &jsonschema.Schema{Type: "null"})
	return &jsonschema.Schema{Type: "object", AdditionalProperties: value}
}

// Body is a text or the members of a JSON object.
type Body struct {
	Text    *string
	Members map[string]any
}

// UnmarshalYAML reads both forms.
func (b *Body) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		b.Text = new(string)
		return n.Decode(b.Text)
	}
	return n.Decode(&b.Members)
}

// JSONSchema describes both forms.
func (Body) JSONSchema() *jsonschema.Schema {
	return either(text(), &jsonschema.Schema{Type: "object"})
}

// UnmarshalYAML reads a path or a mapping.
func (c *Config) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.MappingNode:
		c.inline = n
	case n.Kind == yaml.ScalarNode && n.Value != "":
		c.path = n.Value
	default:
		return at(n, "config is the path of a configuration, or the configuration itself")
	}
	return nil
}

// JSONSchema describes both forms.
func (Config) JSONSchema() *jsonschema.Schema {
	return either(&jsonschema.Schema{Type: "string", MinLength: new(uint64(1))}, &jsonschema.Schema{Type: "object"})
}

// UnmarshalYAML reads a token, or the word none.
func (t *Token) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		if n.Value != "none" {
			return at(n, "token is a mapping, or none")
		}
		t.None = true
		return nil
	}
	type plain Token // without this method
	return n.Decode((*plain)(t))
}

// JSONSchemaExtend adds the word none.
func (Token) JSONSchemaExtend(s *jsonschema.Schema) {
	object := *s
	*s = *either(&object, &jsonschema.Schema{Const: "none"})
}

// UnmarshalYAML reads a step, or its name alone.
func (s *Step) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		s.Step = n.Value
		return nil
	}
	type plain Step // without this method
	return n.Decode((*plain)(s))
}

// JSONSchemaExtend adds the name alone.
func (Step) JSONSchemaExtend(s *jsonschema.Schema) {
	object := *s
	*s = *either(text(), &object)
}

func text() *jsonschema.Schema { return &jsonschema.Schema{Type: "string"} }

func either(forms ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: forms}
}

// misplaced is a mistake at a place of the file.
type misplaced struct {
	line, column int
	what         string
}

func (m *misplaced) Error() string { return fmt.Sprintf("%d:%d: %s", m.line, m.column, m.what) }

func at(n *yaml.Node, what string) error {
	return &misplaced{line: n.Line, column: n.Column, what: what}
}
