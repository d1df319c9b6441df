package config

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

// pair is one key of a mapping with its value.
type pair struct {
	key, value *yaml.Node
	merged     bool // it comes from <<: and yields to keys that are written
}

// pairs walks a mapping: first the keys that are written, then those that <<:
// merges in. Keys that are no text are reported and left out.
func (d *decoder) pairs(n *yaml.Node, at *trail) iter.Seq[pair] {
	return func(yield func(pair) bool) {
		var merges []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			switch {
			case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
				merges = append(merges, value)
			case key.Kind != yaml.ScalarNode || isNull(key):
				d.problem(text, spot{n.Content[i], at}, "a key is no text", "write it as text")
			case !yield(pair{key: key, value: value}):
				return
			}
		}
		for _, m := range merges {
			if !d.merge(m, at, yield) {
				return
			}
		}
	}
}

// merge yields the pairs of what stands behind <<:.
func (d *decoder) merge(n *yaml.Node, at *trail, yield func(pair) bool) bool {
	more := true
	switch {
	case n.Kind == yaml.AliasNode:
		d.follow(n, at, func(target *yaml.Node) { more = d.merge(target, at, yield) })
	case !d.affordable(n):
		more = false
	case n.Kind == yaml.MappingNode:
		for p := range d.pairs(n, at) {
			p.merged = true
			if more = d.affordable(p.value) && yield(p); !more {
				break
			}
		}
	case n.Kind == yaml.SequenceNode:
		for _, c := range n.Content {
			if more = d.merge(c, at, yield); !more {
				break
			}
		}
	default:
		d.problem(text, spot{n, at}, "<< merges "+found(n), "write an alias of a mapping")
	}
	return more
}
