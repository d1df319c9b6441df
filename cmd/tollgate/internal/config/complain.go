package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// spot is where a problem is: the node, and the way to it.
type spot struct {
	node *yaml.Node
	at   *trail
}

// problem adds one problem.
func (d *decoder) problem(k problemKind, s spot, what, instead string) {
	p := Problem{File: d.doc.name, order: d.doc.order, At: s.at.pointer(), What: what, Instead: instead, kind: k}
	p.Line, p.Column = s.node.Line, s.node.Column
	d.problems = append(d.problems, p)
}

// wrong adds a problem that the JSON Schema finds too.
func (d *decoder) wrong(n *yaml.Node, at *trail, what, instead string) {
	d.problem(shape, spot{n, at}, what, instead)
}

// wrongType says what stands where something else is wanted.
func (d *decoder) wrongType(n *yaml.Node, f *form, at *trail) {
	instead := "write " + wanted(f)
	if hint := rewrite(n, f); hint != "" {
		instead = "write " + hint
	}
	what := found(n)
	if f.kind == kindSecret && n.Kind == yaml.ScalarNode && !isNull(n) {
		what, instead = "a number or boolean", "put it in quotes"
	}
	d.wrong(n, at, at.name()+" wants "+noun(f)+", not "+what, instead)
}

// twice says that a key is given twice.
func (d *decoder) twice(key, first *yaml.Node, at *trail) {
	d.problem(text, spot{key, at.in(key.Value)}, "the key "+quote(key.Value)+" is given twice",
		fmt.Sprintf("keep one; the first is in line %d", first.Line))
}

// unknownKey says that no such key is known here, and which may be meant.
func (d *decoder) unknownKey(key *yaml.Node, f *form, at *trail) {
	where := ""
	if at != nil {
		where = " in " + at.name()
	}
	d.wrong(key, at.in(key.Value), "unknown key "+quote(key.Value)+where, d.meantKey(key.Value, f))
}

// meantKey is the advice for an unknown key.
func (d *decoder) meantKey(key string, f *form) string {
	keys := make([]string, len(f.fields))
	for i, fd := range f.fields {
		keys[i] = fd.key
	}
	if near := nearest(key, keys); near != "" {
		return "did you mean " + near + "?"
	}
	for _, fd := range f.fields { // one level too high
		if fd.form.kind == kindObject && fd.form.find(key) != nil {
			return "write it under " + fd.key
		}
	}
	switch {
	case d.forms.file.find(key) == nil:
	case !d.doc.fragment && f != d.forms.file: // usually the indentation
		return "it belongs to the top of the file"
	case d.doc.fragment && f == d.forms.fragment:
		return "write it in the main file; an included one has only apis and policies"
	}
	return "known here: " + strings.Join(keys, ", ")
}

// noun names what a form takes.
func noun(f *form) string {
	switch f.kind {
	case kindObject:
		return "keys with values"
	case kindList, kindAllow:
		return "a list"
	case kindMap:
		return "names with values"
	case kindText, kindValue, kindSecret, kindLoose:
		return "text"
	case kindPath, kindPEMPath:
		return "path"
	case kindInteger:
		return "a whole number"
	case kindNumber:
		return "a number"
	case kindBoolean:
		return "true or false"
	case kindDuration:
		return "a duration"
	case kindSize:
		return "a size"
	case kindScalar:
		return "one value"
	}
	return ""
}

// wanted is an example of what a form takes.
func wanted(f *form) string {
	switch f.kind {
	case kindObject:
		if f.hasShort() {
			for _, fd := range f.fields {
				if fd.short {
					return wanted(fd.form)
				}
			}
		}
		return "{" + f.fields[0].key + ": …}"
	case kindList, kindAllow:
		return "[" + wanted(f.elem) + "]"
	case kindMap:
		return "{name: " + wanted(f.elem) + "}"
	case kindBoolean:
		return "true or false"
	case kindDuration:
		return "a duration such as 5m"
	case kindSize:
		return "a size such as 64MiB"
	case kindInteger, kindNumber:
		if len(f.enum) > 0 {
			return strings.Join(f.enum, " or ")
		}
		return "a number"
	case kindPath, kindPEMPath:
		return "PATH"
	default:
		if len(f.enum) > 0 && len(f.enum) <= 4 {
			return strings.Join(f.enum, " or ")
		}
		return "text"
	}
}

// found names what stands in the file. Long text is not repeated: it may be a
// secret in the wrong place.
func found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	case isText(n):
		return "the text " + quote(n.Value)
	case n.ShortTag() == "!!bool":
		return n.Value
	default:
		return "the number " + n.Value
	}
}

// quote puts short text into quotes and hides long text.
func quote(s string) string {
	const longest = 40
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > longest {
		return fmt.Sprintf("(%d bytes of text)", len(s))
	}
	return strconv.Quote(s)
}
