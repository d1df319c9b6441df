package tyk

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of the native file in the order in which it is written.
type object struct{ node *yaml.Node }

func newObject() object { return object{&yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}} }

// set adds a member; nil is left out.
func (o object) set(name string, value *yaml.Node) {
	if value != nil {
		o.node.Content = append(o.node.Content, text(name), value)
	}
}

// on adds a member that is true.
func (o object) on(name string, value bool) {
	if value {
		o.set(name, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
	}
}

// text adds a member unless it is empty.
func (o object) text(name, value string) {
	if value != "" {
		o.set(name, text(value))
	}
}

// texts adds a list unless it is empty.
func (o object) texts(name string, values []string) {
	if len(values) > 0 {
		o.set(name, texts(values))
	}
}

// span adds a time unless it is zero.
func (o object) span(name string, value time.Duration) {
	if value != 0 {
		o.set(name, text(value.String()))
	}
}

// object adds an object unless it is empty.
func (o object) object(name string, value object) {
	if len(value.node.Content) > 0 {
		o.set(name, value.node)
	}
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

func number(value int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(value, 10)}
}

func texts(values []string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, v := range values {
		list.Content = append(list.Content, text(v))
	}
	return list
}

// scalars is a list of values of a rule.
func scalars(values []any) *yaml.Node {
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
	for _, v := range values {
		item := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
		switch v := v.(type) {
		case string:
			item = text(v)
		case bool:
			item = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
		case json.Number:
			item = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: v.String()}
			if _, err := v.Int64(); err != nil {
				item.Tag = "!!float"
			}
		}
		list.Content = append(list.Content, item)
	}
	return list
}

// pairs is an object with the members of a map in order.
func pairs(values map[string]string) object {
	out := newObject()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out.set(name, text(values[name]))
	}
	return out
}
