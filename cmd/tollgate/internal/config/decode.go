package config

import (
	"fmt"
	"reflect"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxExpanded bounds what aliases of one file may expand to: ten anchors that
// hold ten aliases each, ten deep, would else fill the memory.
const maxExpanded = 100_000

// decoder turns the nodes of one document into Go values and collects whatever
// is wrong on the way. It never stops at the first problem.
type decoder struct {
	doc   *document
	forms *forms

	problems []Problem
	refs     []*reference

	within   []*yaml.Node // anchors whose aliases are being followed
	expanded int
}

// decode fills into, which is settable and of the type of f, from n.
func (d *decoder) decode(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if n.Kind == yaml.AliasNode {
		d.follow(n, at, func(target *yaml.Node) { d.decode(target, f, into, at) })
		return
	}
	if !d.affordable(n) || !d.plainTag(n, at) {
		return
	}
	if isNull(n) && f.kind != kindScalar {
		switch {
		case at == nil:
			p := d.doc.at(1, 1, "the file is empty", "begin with version: 1") // n may stand after the last line
			p.kind = shape
			d.problems = append(d.problems, p)
		case !f.null:
			d.wrong(n, at, at.name()+" is empty", "write "+wanted(f)+", or leave the key out")
		}
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		into = into.Elem()
	}
	switch f.kind {
	case kindObject:
		d.object(n, f, into, at)
	case kindList:
		d.list(n, f, into, at)
	case kindMap:
		d.mapping(n, f, into, at)
	case kindAllow:
		d.allow(n, f, into, at)
	default:
		if n.Kind != yaml.ScalarNode {
			d.wrongType(n, f, at)
			return
		}
		d.scalar(n, f, into, at)
	}
}

// follow calls with the anchor of an alias, unless that would never end.
func (d *decoder) follow(n *yaml.Node, at *trail, with func(*yaml.Node)) {
	if slices.Contains(d.within, n.Alias) {
		d.problem(text, spot{n, at}, "the anchor "+n.Value+" contains itself", "write its value out")
		return
	}
	d.within = append(d.within, n.Alias)
	with(n.Alias)
	d.within = d.within[:len(d.within)-1]
}

// affordable counts what aliases expand to.
func (d *decoder) affordable(n *yaml.Node) bool {
	if len(d.within) == 0 {
		return true
	}
	d.expanded++
	if d.expanded == maxExpanded {
		// At the root of the file: nothing of it can be relied on from here on.
		d.problem(text, spot{n, nil}, fmt.Sprintf("aliases expand to more than %d values", maxExpanded), "write them out, or use fewer")
	}
	return d.expanded < maxExpanded
}

// plainTag refuses explicit tags other than the plain ones of YAML 1.2.
func (d *decoder) plainTag(n *yaml.Node, at *trail) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	switch n.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return true
	}
	d.problem(text, spot{n, at}, "the tag "+n.Tag+" is not known", "leave it out")
	return false
}

// object decodes known keys; a scalar may stand for the short fields.
func (d *decoder) object(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	seen := make([]*yaml.Node, len(f.fields))
	switch {
	case n.Kind == yaml.ScalarNode && f.hasShort():
		d.short(n, f, into, at)
		return
	case n.Kind != yaml.MappingNode:
		d.wrongType(n, f, at)
		return
	}
	for p := range d.pairs(n, at) {
		i := slices.IndexFunc(f.fields, func(fd *field) bool { return fd.key == p.key.Value })
		switch {
		case i < 0:
			d.unknownKey(p.key, f, at)
		case seen[i] == nil:
			seen[i] = p.key
			d.keyed(p, f.fields[i], into, at)
		case !p.merged:
			d.twice(p.key, seen[i], at)
		}
	}
	for i, fd := range f.fields {
		if fd.required && seen[i] == nil {
			d.wrong(n, at.in(fd.key), at.name()+" has no "+fd.key, "add "+fd.key+": "+wanted(fd.form))
		}
	}
	d.absent(f, into, seen)
}

// short decodes a scalar that stands for an object.
func (d *decoder) short(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	seen := make([]*yaml.Node, len(f.fields))
	for i, fd := range f.fields {
		if !fd.short {
			continue
		}
		seen[i] = n
		before := len(d.problems)
		d.decode(n, fd.form, into.Field(fd.index), at)
		if len(d.problems) > before {
			break // the other fields would only say the same
		}
	}
	d.absent(f, into, seen)
}

// keyed decodes the value of a known key.
func (d *decoder) keyed(p pair, fd *field, into reflect.Value, at *trail) {
	here := at.in(fd.key)
	if d.missing(fd, p.value) {
		d.problem(meaning, spot{p.key, here}, fd.key+notAvailable, leaveOut)
	}
	d.decode(p.value, fd.form, into.Field(fd.index), here)
}

// missing says whether this build lacks what the field is for.
func (d *decoder) missing(fd *field, n *yaml.Node) bool {
	if fd.feature == "" || d.forms.features[fd.feature] || isNull(n) {
		return false
	}
	return fd.unless == nil || n.Kind != yaml.ScalarNode || n.Value != *fd.unless
}

// absent fills in the defaults of all fields that were not given.
func (d *decoder) absent(f *form, into reflect.Value, given []*yaml.Node) {
	for i, fd := range f.fields {
		switch {
		case given != nil && given[i] != nil:
		case fd.fallback != nil:
			d.decode(fd.fallback, fd.form, into.Field(fd.index), nil)
		case fd.form.kind == kindObject && !fd.form.null:
			d.absent(fd.form, into.Field(fd.index), nil)
		}
	}
}

// list decodes a list; nil and empty lists stay different.
func (d *decoder) list(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if n.Kind == yaml.ScalarNode && f.many {
		into.Set(reflect.MakeSlice(into.Type(), 1, 1))
		d.decode(n, f.elem, into.Index(0), at)
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.wrongType(n, f, at)
		return
	}
	d.elements(n, f.elem, into, at)
}

// elements makes a slice of the elements of a sequence.
func (d *decoder) elements(n *yaml.Node, elem *form, into reflect.Value, at *trail) {
	into.Set(reflect.MakeSlice(into.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.decode(c, elem, into.Index(i), at.nth(i))
	}
}

// mapping decodes any keys in their order.
func (d *decoder) mapping(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, f, at)
		return
	}
	out := reflect.MakeSlice(into.Type(), 0, len(n.Content)/2)
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for p := range d.pairs(n, at) {
		if first, ok := seen[p.key.Value]; ok {
			if !p.merged {
				d.twice(p.key, first, at)
			}
			continue
		}
		seen[p.key.Value] = p.key
		entry := reflect.New(into.Type().Elem()).Elem()
		entry.Field(0).SetString(p.key.Value)
		d.decode(p.value, f.elem, entry.Field(1), at.in(p.key.Value))
		out = reflect.Append(out, entry)
	}
	into.Set(out)
}

// allow decodes the word all or a list of entries.
func (d *decoder) allow(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	switch {
	case n.Kind == yaml.SequenceNode:
		d.elements(n, f.elem, into.FieldByName("Entries"), at)
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value == "all":
		into.FieldByName("All").SetBool(true)
	case n.Kind == yaml.ScalarNode:
		d.wrong(n, at, at.name()+" wants the word all or a list, not "+found(n), "write all, or [{methods: [GET], path: /…}]")
	default:
		d.wrongType(n, f, at)
	}
}
