package tyk

import "go.yaml.in/yaml/v3"

// kind is the sort of a file.
type kind uint8

const (
	unknown kind = iota
	classic
	oas
	policy
	manyPolicies
	conf
)

// recognise tells the kind of a file by its shape.
func recognise(v value) kind {
	if items := arrayOf(v); len(items) > 0 {
		switch recognise(items[0]) {
		case policy:
			return manyPolicies
		case classic, oas, manyPolicies, conf, unknown:
			return unknown
		}
	}
	has := func(name string) bool { return hasMember(v, name) }
	switch {
	case has("x-tyk-api-gateway") || (has("openapi") && has("paths")):
		return oas
	case has("access_rights") || (has("quota_max") && has("rate")):
		return policy
	case has("api_id") || has("use_keyless") || has("enable_jwt") || (has("proxy") && has("name")):
		return classic
	case has("template_path") || has("app_path") || has("use_db_app_configs") || has("hash_keys") ||
		(has("listen_port") && has("secret")) || has("http_server_options"):
		return conf
	}
	if first, ok := firstMember(v); ok && recognise(first) == policy {
		return manyPolicies
	}
	return unknown
}

// The looks below tell nothing when the shape is another: it is only looked at.

func arrayOf(v value) []value {
	if !v.there() || !isSequence(v) {
		return nil
	}
	return v.list()
}

func hasMember(v value, name string) bool {
	return v.there() && isMapping(v) && v.called(name).node != nil
}

func firstMember(v value) (value, bool) {
	if !v.there() || !isMapping(v) {
		return value{}, false
	}
	all := v.members()
	if len(all) == 0 {
		return value{}, false
	}
	return all[0].value, true
}

func isSequence(v value) bool { return v.node.Kind == yaml.SequenceNode }

func isMapping(v value) bool { return v.node.Kind == yaml.MappingNode }
