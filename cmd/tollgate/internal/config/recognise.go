package config

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// family is whose file something is.
type family uint8

const (
	native  family = iota // apis and policies of ours; also what nobody knows
	foreign               // a Tyk definition, policies file or tyk.conf
)

// recognise tells by its shape whose file a document is. When in doubt it is
// ours, and the loader says what it does not know.
func recognise(root *yaml.Node) family {
	switch root.Kind {
	case yaml.SequenceNode: // a list of policies or of definitions
		if len(root.Content) > 0 && looksForeign(root.Content[0]) {
			return foreign
		}
	case yaml.MappingNode:
		switch {
		case looksForeign(root): // before apis and policies: tyk.conf has policies too
			return foreign
		case has(root, "apis") || has(root, "policies"):
			return native
		case len(root.Content) > 1 && looksForeign(root.Content[1]): // policies by their ids
			return foreign
		}
	default: // text
	}
	return native
}

// looksForeign says whether a mapping has what only Tyk's files have.
func looksForeign(n *yaml.Node) bool {
	return has(n, "x-tyk-api-gateway") || // OAS
		has(n, "proxy") && (has(n, "api_id") || has(n, "version_data") || has(n, "use_keyless")) || has(n, "api_id") && has(n, "enable_jwt") || // Classic
		has(n, "access_rights") || has(n, "quota_max") && has(n, "rate") || // policy
		has(n, "app_path") || has(n, "listen_port") && has(n, "secret") || has(n, "hash_keys") // tyk.conf
}

// has says whether a mapping has a key.
func has(n *yaml.Node, key string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for keys := range slices.Chunk(n.Content, 2) {
		if keys[0].Value == key {
			return true
		}
	}
	return false
}
