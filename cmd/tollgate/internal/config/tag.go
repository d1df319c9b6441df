package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field reads the tags of one Go field:
//
//	key:"name,required"  its name in the file
//	enum:"a b"           the texts it takes (for a list: its elements)
//	later:"c"            texts of the contract that are refused for now
//	min:"0" max:"9"      bounds of a number
//	default:"5s"         what an absent key stands for, in YAML
//	means:"5m"           what an absent key comes to mean later; only shown
//	short:"yes"          a scalar in place of the object sets it
//	env:"no"             not from the environment
//	feature:"store"      row of features; unless:"none" needs none
//	restart:"store"      a change needs a restart of what is named
func (d *describer) field(sf reflect.StructField, index int) *field {
	name, options, _ := strings.Cut(sf.Tag.Get("key"), ",")
	fd := &field{
		key: name, goName: sf.Name, index: index,
		form:     d.of(sf.Type),
		required: options == "required",
		short:    sf.Tag.Get("short") == "yes",
		noEnv:    sf.Tag.Get("env") == "no",
		feature:  sf.Tag.Get("feature"),
		restart:  sf.Tag.Get("restart"),
	}
	if unless, ok := sf.Tag.Lookup("unless"); ok {
		fd.unless = &unless
	}
	fd.form = narrow(fd.form, sf.Tag)
	fd.shown = sf.Tag.Get("means")
	if text, ok := sf.Tag.Lookup("default"); ok {
		fd.shown = text
		fd.fallback = mustParse(text)
	}
	return fd
}

// narrow gives a copy of f with the bounds of a tag.
func narrow(f *form, tag reflect.StructTag) *form {
	enum, low, high := tag.Get("enum"), tag.Get("min"), tag.Get("max")
	if enum == "" && low == "" && high == "" {
		return f
	}
	c := *f
	if c.kind == kindList {
		elem := *c.elem
		elem.enum = strings.Fields(enum)
		c.elem = &elem
		return &c
	}
	c.enum, c.later = strings.Fields(enum), strings.Fields(tag.Get("later"))
	c.min, c.max = mustNumber(low), mustNumber(high)
	return &c
}

// mustNumber reads a number of a tag, nil for none.
func mustNumber(text string) *float64 {
	if text == "" {
		return nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("config: tag %q is no number", text)) // a mistake in our own types
	}
	return &n
}

// mustParse reads the YAML of a default tag.
func mustParse(text string) *yaml.Node {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		panic(fmt.Sprintf("config: default tag %q: %v", text, err)) // a mistake in our own types
	}
	return doc.Content[0]
}
