package tyk

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a JSON value at its place in a file; the zero value is one that is
// not there. Reading one as the wrong type is told once and gives the zero value
// of that type.
type value struct {
	file *file
	node *yaml.Node
	path string // in the file's own spelling
}

// there says whether the value was written, and not as null.
func (v value) there() bool { return v.node != nil && v.node.ShortTag() != "!!null" }

// get gives a member.
func (v value) get(names ...string) value {
	for _, name := range names {
		v = v.member(name)
	}
	return v
}

// member gives a member as Tyk finds it, whatever the case of its name: one that
// is spelled in another way is told, so that none is passed over.
func (v value) member(name string) value {
	out := v.called(name)
	if !v.there() || v.node.Kind != yaml.MappingNode {
		return out
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if key := v.node.Content[i]; key.Value != name && strings.EqualFold(key.Value, name) {
			value{v.file, key, join(v.path, key.Value)}.wrong("it is "+name+" to Tyk, which reads names in any case", name)
		}
	}
	return out
}

// called gives a member by exactly this name.
func (v value) called(name string) value {
	out := value{file: v.file, path: join(v.path, name)}
	if !v.there() {
		return out
	}
	if v.node.Kind != yaml.MappingNode {
		v.mistyped("an object")
		return out
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if v.node.Content[i].Value == name {
			out.node = v.node.Content[i+1]
		}
	}
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// named is one member of an object.
type named struct {
	name  string
	key   *yaml.Node
	value value
}

// members gives the members of an object in their order.
func (v value) members() []named {
	if !v.there() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.mistyped("an object")
		return nil
	}
	var out []named
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		out = append(out, named{key.Value, key, value{v.file, v.node.Content[i+1], join(v.path, key.Value)}})
	}
	return out
}

// list gives the elements of an array.
func (v value) list() []value {
	if !v.there() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.mistyped("an array")
		return nil
	}
	out := make([]value, 0, len(v.node.Content))
	for i, n := range v.node.Content {
		out = append(out, value{v.file, n, v.path + "[" + strconv.Itoa(i) + "]"})
	}
	return out
}

// text gives a string.
func (v value) text() string {
	if !v.there() {
		return ""
	}
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!str" {
		v.mistyped("a string")
		return ""
	}
	return v.node.Value
}

// texts gives an array of strings.
func (v value) texts() []string {
	var out []string
	for _, item := range v.list() {
		if s := item.text(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// flag gives a boolean.
func (v value) flag() bool {
	if !v.there() {
		return false
	}
	var b bool
	if v.node.Kind != yaml.ScalarNode || v.node.ShortTag() != "!!bool" || v.node.Decode(&b) != nil {
		v.mistyped("true or false")
		return false
	}
	return b
}

// number gives a number.
func (v value) number() float64 {
	if !v.there() {
		return 0
	}
	switch v.node.ShortTag() {
	case "!!int", "!!float":
		n, err := strconv.ParseFloat(v.node.Value, 64)
		if v.node.Kind == yaml.ScalarNode && err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			return n
		}
	}
	v.mistyped("a number")
	return 0
}

// whole gives a number without fraction.
func (v value) whole() int64 {
	n := v.number()
	if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		v.mistyped("a whole number")
		return 0
	}
	return int64(n)
}

// seconds gives a time in seconds that is not negative.
func (v value) seconds() float64 {
	n := v.number()
	if n < 0 {
		v.wrong("it is negative", "0 or more seconds")
		return 0
	}
	return n
}

// shown is a value as messages may show it: short, and nothing where it could be
// a secret.
func shown(text string) string {
	const most = 60
	text = strings.ToValidUTF8(text, "?")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strconv.Quote(text)
}
