package tyk

import (
	"strings"

	"github.com/tollgate-authz/tollgate/policies"
)

// readPolicy reads one policy. name is the key that it stands under, "" for a
// file of its own.
func (p *paths) readPolicy(v value, name string) policies.Spec {
	policyShape(v)
	id := v.get("id").text()
	switch {
	case id != "":
	case name != "":
		id = name
	default:
		id = v.get("_id").text()
	}
	if id == "" {
		v.get("id").wrong("the policy has no id", "an id of its own")
	}
	s := policies.Spec{
		ID: id, Org: v.get("org_id").text(), Inactive: v.get("is_inactive").flag(), Tags: v.get("tags").texts(),
		Tyk: &policies.TykSpec{Limit: limitOf(v), Access: p.access(v.get("access_rights"))},
	}
	part := v.get("partitions")
	s.Tyk.ACL, s.Tyk.Quota = part.get("acl").flag(), part.get("quota").flag()
	s.Tyk.RateLimit, s.Tyk.Complexity = part.get("rate_limit").flag(), part.get("complexity").flag()
	s.Tyk.PerAPI = part.get("per_api").flag()
	if s.Tyk.PerAPI && (s.Tyk.ACL || s.Tyk.Quota || s.Tyk.RateLimit || s.Tyk.Complexity) {
		part.note("partitions-mixed", "per_api beside another partition: the policy cannot be applied and refuses every token that names it",
			"per_api alone, or the other partitions")
	}
	s.Meta = metaOf(v.get("meta_data"))
	if a := v.get("active"); a.there() && !a.flag() {
		a.note("active-ignored", "Tyk's gateway does not read it, and neither is it done here: is_inactive switches a policy off", "is_inactive: true")
	}
	p.reportPolicy(v)
	return s
}

// metaOf reads metadata; what is no text has no form as a header.
func metaOf(v value) map[string]string {
	var out map[string]string
	for _, m := range v.members() {
		if m.value.node == nil || len(m.value.node.Content) > 0 || strings.HasPrefix(m.value.node.ShortTag(), "!!null") {
			m.value.note("meta-value", "it is no text, number or boolean and has no form as a header", "a text")
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[m.name] = m.value.node.Value
	}
	return out
}

// reportPolicy tells of what a policy has and this gate does not do.
func (p *paths) reportPolicy(v value) {
	if k := v.get("key_expires_in"); k.there() && k.number() > 0 {
		k.note("key-expires", "sessions are not stored, so they do not end by themselves: the token's exp counts", "exp in the token, or expires of a key")
	}
	for _, name := range []string{"post_expiry_action", "post_expiry_grace_period"} {
		if e := v.get(name); e.there() && e.node.Value != "" && e.node.Value != "0" {
			e.note("post-expiry", "sessions are not stored, so nothing is kept or deleted after their end", "")
		}
	}
	if d := v.get("max_query_depth"); d.there() && d.number() > 0 {
		d.note("body-rights", "it needs the body of the request, which this gate never sees", "say it in the upstream")
	}
	for _, name := range []string{"hmac_enabled", "enable_http_signature_validation"} {
		if h := v.get(name); h.there() && h.flag() {
			h.note("http-signatures", "signatures of requests are not verified", "")
		}
	}
	if g := v.get("graphql_access_rights"); len(g.members()) > 0 {
		g.note("body-rights", "it needs the body of the request, which this gate never sees", "say it in the upstream")
	}
}
