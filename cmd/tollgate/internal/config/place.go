package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/authz"
)

// origins know where the parts of a configuration were written.
type origins struct {
	main      *document
	apis      []origin // by their index in the Spec
	policies  []origin
	overrides map[string]string // pointer into the main file → variable or flag
}

// origin is where one API or policy was written.
type origin struct {
	doc  *document
	node *yaml.Node
	at   string // its pointer inside doc

	elsewhere func(pointer string) Problem // of a Tyk file; nil for our own
}

// locate gives a problem that stands where a pointer into the whole
// configuration leads, or as near as the file goes.
func (o *origins) locate(pointer string) Problem {
	if name, ok := o.overrides[pointer]; ok {
		return Problem{File: name, At: pointer}
	}
	from := origin{doc: o.main, node: o.main.root}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	if pointer == "" {
		parts = nil
	}
	if len(parts) >= 2 {
		if found, ok := o.entry(parts[0], parts[1]); ok {
			from, parts = found, parts[2:]
		}
	}
	if from.elsewhere != nil {
		return from.elsewhere("/" + strings.Join(parts, "/"))
	}
	p := Problem{File: from.doc.name, order: from.doc.order, At: from.at}
	node := from.node
	if node != nil {
		p.Line, p.Column = node.Line, node.Column
	}
	for _, part := range parts {
		p.At += "/" + part
		if node = child(node, unescapePointer(part)); node != nil {
			p.Line, p.Column = node.Line, node.Column
		}
	}
	return p
}

// entry gives the origin of /apis/I and /policies/I.
func (o *origins) entry(section, index string) (origin, bool) {
	list := o.apis
	switch section {
	case "apis":
	case "policies":
		list = o.policies
	default:
		return origin{}, false
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(list) {
		return origin{}, false
	}
	return list[i], true
}

// child goes one step down, nil where the file does not go that far. A mapping
// may also be asked by the number of its key.
func child(n *yaml.Node, part string) *yaml.Node {
	n = unalias(n)
	if n == nil {
		return nil
	}
	index, err := strconv.Atoi(part)
	numbered := err == nil && index >= 0
	switch n.Kind {
	case yaml.SequenceNode:
		if numbered && index < len(n.Content) {
			return unalias(n.Content[index])
		}
	case yaml.MappingNode:
		if v := under(n, part, 0); v != nil {
			return unalias(v)
		}
		if numbered && 2*index+1 < len(n.Content) {
			return unalias(n.Content[2*index+1])
		}
	default: // nothing is below a scalar
	}
	return nil
}

// under finds the value of a key, also one that <<: merges in.
func under(n *yaml.Node, key string, depth int) *yaml.Node {
	const deepest = 20 // merges in merges
	if n = unalias(n); n == nil || depth > deepest {
		return nil
	}
	var merged *yaml.Node
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		switch n.Content[i].Value {
		case key:
			return n.Content[i+1]
		case "<<":
			merged = n.Content[i+1]
		}
	}
	if merged == nil {
		return nil
	}
	sources := []*yaml.Node{merged}
	if merged.Kind == yaml.SequenceNode {
		sources = merged.Content
	}
	for _, s := range sources {
		if v := under(s, key, depth+1); v != nil {
			return v
		}
	}
	return nil
}

// unalias follows an alias.
func unalias(n *yaml.Node) *yaml.Node {
	for range 20 { // an anchor cannot be an alias itself; this is only a bound
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// place puts what Compile found at its positions, but for what only follows from
// the problems that are known already.
func (o *origins) place(found []authz.Problem, known []Problem) []Problem {
	var out []Problem
	for _, f := range found {
		p := o.locate(f.At)
		p.What, p.Instead, p.Warning = subject(f), f.Instead, f.Warning
		if !follows(p, known) {
			out = append(out, p)
		}
	}
	return out
}

// subject names the place where a message only says what is wrong with it.
func subject(f authz.Problem) string {
	verb, _, _ := strings.Cut(f.What, " ")
	switch verb {
	case "is", "are", "must", "holds", "cannot", "has", "names", "needs", "does", "grants", "wants", "not":
	default:
		return f.What
	}
	name := f.At[strings.LastIndexByte(f.At, '/')+1:]
	if _, err := strconv.Atoi(name); err == nil {
		rest := f.At[:strings.LastIndexByte(f.At, '/')]
		name = rest[strings.LastIndexByte(rest, '/')+1:] + "[" + name + "]"
	}
	if verb == "not" {
		return unescapePointer(name) + " is " + f.What
	}
	return unescapePointer(name) + " " + f.What
}
