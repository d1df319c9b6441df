package doctor

import (
	"encoding/json"
	"strings"
	"time"
)

// tree is a JSON value.
type tree struct{ value any }

// at goes down by names; what is not there is the empty tree.
func (t tree) at(names ...string) tree {
	for _, name := range names {
		object, _ := t.value.(map[string]any)
		t = tree{object[name]}
	}
	return t
}

func (t tree) there() bool { return t.value != nil }

func (t tree) text() string {
	text, _ := t.value.(string)
	return text
}

func (t tree) yes() bool {
	yes, _ := t.value.(bool)
	return yes
}

func (t tree) number() float64 {
	switch value := t.value.(type) {
	case json.Number:
		number, _ := value.Float64()
		return number
	case float64:
		return value
	case int:
		return float64(value)
	default:
		return 0
	}
}

// duration reads a protobuf duration in its JSON form.
func (t tree) duration() (time.Duration, bool) {
	took, err := time.ParseDuration(t.text())
	return took, err == nil
}

func (t tree) list() []tree {
	values, _ := t.value.([]any)
	list := make([]tree, len(values))
	for i, value := range values {
		list[i] = tree{value}
	}
	return list
}

// members are the members of an object.
func (t tree) members() map[string]tree {
	object, _ := t.value.(map[string]any)
	all := make(map[string]tree, len(object))
	for name, value := range object {
		all[name] = tree{value}
	}
	return all
}

// is says whether t is an Any of the given message, whatever its package is: the
// short name is unique among the messages that the rules look at.
func (t tree) is(message string) bool {
	name := t.at("@type").text()
	return strings.HasSuffix(name, "."+message)
}

// each calls with t and with everything below it.
func (t tree) each(call func(tree)) {
	call(t)
	switch value := t.value.(type) {
	case map[string]any:
		for _, below := range value {
			tree{below}.each(call)
		}
	case []any:
		for _, below := range value {
			tree{below}.each(call)
		}
	}
}
