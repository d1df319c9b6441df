package cases

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// strict finds what a decoder would pass over in silence or stop at: unknown and
// repeated keys, and values of the wrong shape, each with its position.
type strict struct {
	file  string
	found Problems
	depth int
}

func (s *strict) add(n *yaml.Node, what, instead string) {
	s.found = append(s.found, Problem{File: s.file, Line: n.Line, Column: n.Column, What: what, Instead: instead})
}

// free are the types that read their own forms.
func free(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Config](), reflect.TypeFor[Texts](), reflect.TypeFor[Lines](), reflect.TypeFor[Body](), reflect.TypeFor[Time](),
		reflect.TypeFor[When](), reflect.TypeFor[Span]():
		return true
	default:
		return t.Kind() == reflect.Interface
	}
}

// short are the types that may be one word instead of a mapping.
func short(t reflect.Type) bool {
	return t == reflect.TypeFor[Token]() || t == reflect.TypeFor[Step]() || t == reflect.TypeFor[Split]()
}

// walk compares n with the type that it will be decoded into.
func (s *strict) walk(n *yaml.Node, t reflect.Type, name string) {
	if s.depth++; s.depth > 100 {
		s.add(n, name+" is nested too deep", "write it out")
		return
	}
	defer func() { s.depth-- }()
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	nullable := t.Kind() == reflect.Pointer
	if nullable {
		t = t.Elem()
	}
	if free(t) || nullable && n.Tag == "!!null" || short(t) && n.Kind == yaml.ScalarNode {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		if s.is(n, yaml.MappingNode, name) {
			s.object(n, t)
		}
	case reflect.Map:
		if s.is(n, yaml.MappingNode, name) {
			for i := 0; i+1 < len(n.Content); i += 2 {
				s.walk(n.Content[i+1], t.Elem(), n.Content[i].Value)
			}
		}
	case reflect.Slice:
		if s.is(n, yaml.SequenceNode, name) {
			for i, element := range n.Content {
				s.walk(element, t.Elem(), fmt.Sprintf("%s[%d]", name, i))
			}
		}
	default:
		s.scalar(n, t, name)
	}
}

func (s *strict) is(n *yaml.Node, kind yaml.Kind, name string) bool {
	if n.Kind == kind {
		return true
	}
	want := map[yaml.Kind]string{yaml.MappingNode: "a mapping", yaml.SequenceNode: "a list"}[kind]
	s.add(n, name+" is not "+want, "write "+want+", or leave the key out")
	return false
}

func (s *strict) scalar(n *yaml.Node, t reflect.Type, name string) {
	switch {
	case n.Kind != yaml.ScalarNode:
		s.add(n, name+" is not one value", "write one")
	case t.Kind() == reflect.Int && n.Tag != "!!int":
		s.add(n, name+" is not a whole number", "write one")
	case n.Tag == "!!null":
		s.add(n, name+" is empty", "write a value, or leave the key out")
	}
}

func (s *strict) object(n *yaml.Node, t reflect.Type) {
	fields := map[string]reflect.Type{}
	var known []string
	for field := range t.Fields() {
		if name := field.Tag.Get("yaml"); name != "" && name != "-" {
			fields[name] = field.Type
			known = append(known, name)
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		field, ok := fields[key.Value]
		switch {
		case !ok:
			s.add(key, "unknown key "+key.Value, meant(key.Value, known))
		case seen[key.Value]:
			s.add(key, "the key "+key.Value+" is there already", "write it once")
		default:
			s.walk(n.Content[i+1], field, key.Value)
		}
		seen[key.Value] = true
	}
}

// meant suggests the known word that is nearest.
func meant(word string, known []string) string {
	best, least := "", 2+len(word)/3
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "use one of " + strings.Join(known, ", ")
}

// distance counts insertions, deletions and replacements that turn a into b.
func distance(a, b string) int {
	const longest = 64 // of words that people could have meant
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
