package tyk

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/policies"
)

// nativePolicy gives one policy as a native one.
func (l *Loaded) nativePolicy(i int) object {
	from := &l.Policies[i]
	p, lost := from.Native()
	for _, what := range lost {
		l.policyPlaces[i].note("native-policy", what, "")
	}
	out := newObject()
	out.text("id", p.ID)
	if p.Inactive {
		out.set("active", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"})
	}
	out.object("rate", nativeRate(p.Rate))
	if p.Quota != nil {
		quota := newObject()
		quota.set("requests", number(p.Quota.Requests))
		quota.span("per", p.Quota.Per)
		out.object("quota", quota)
	}
	out.on("per_api", p.PerAPI)
	access := newObject()
	for j := range p.Access {
		if l.reachable(i, &p.Access[j]) {
			access.set(p.Access[j].API, nativeAccess(&p.Access[j]))
		}
	}
	out.object("access", access)
	out.object("meta", pairs(p.Meta))
	out.texts("tags", p.Tags)
	return out
}

// reachable says whether a right leads to an API of the files and of the org of
// the policy: native policies have no org, and name no API that is not there.
func (l *Loaded) reachable(i int, a *policies.AccessSpec) bool {
	for j := range l.APIs {
		if l.APIs[j].ID != a.API {
			continue
		}
		if l.APIs[j].Org != l.Policies[i].Org {
			l.policyPlaces[i].note("native-org", "the API "+shown(a.API)+" is of another org, where the policy does not exist: it is left out", "")
			return false
		}
		return true
	}
	l.policyPlaces[i].note("native-api", "the API "+shown(a.API)+" is not among the definitions: it is left out", "")
	return false
}

func nativeAccess(a *policies.AccessSpec) *yaml.Node {
	out := newObject()
	if a.All {
		out.text("allow", "all")
		return out.node
	}
	list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, e := range a.Allow {
		entry := newObject()
		entry.texts("methods", e.Methods)
		entry.text("path", e.Path)
		list.Content = append(list.Content, entry.node)
	}
	out.set("allow", list)
	return out.node
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
