package tyk

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// Resolve gives the value of a reference (env://, file://, vault://, consul://).
// Its error names the reference, never the value.
type Resolve func(reference string) ([]byte, error)

// api turns a definition into a native API. A definition that is no JWT API
// keeps its place and is never open.
func (d *definition) api(resolve Resolve) authz.APISpec {
	spec := authz.APISpec{
		ID: d.id.text(), Name: d.name, Org: d.org, Inactive: !d.active, Tyk: true, TykErrors: true,
		Match: d.match(),
	}
	if spec.ID == "" {
		d.id.wrong("the definition has no id", "an id of its own")
	}
	if d.kind != "" {
		spec.Inactive = true
		d.kindAt.note("not-jwt", "this API is authenticated by "+d.kind+": it is not served, and its path stays taken",
			"enable JWT, or leave the file out and let Envoy route the path without a check")
		return spec
	}
	spec.Definition = &authz.TykDefinition{
		Classic: d.classic, SkipKid: d.skipKid, HashFunction: d.function, Context: d.context, Versions: d.versions,
		KeepQuota: d.keepQuota,
	}
	spec.Keys, spec.Algorithms = d.keys(resolve)
	spec.Token = authz.LocationSpec{Header: d.location.header, HeaderOff: d.location.headerOff, Strip: d.strip}
	if d.location.queryOn {
		spec.Token.Query = d.location.query
	}
	if d.location.cookieOn {
		spec.Token.Cookie = d.location.cookie
	}
	if d.location.nothingIsOn {
		d.location.at.note("no-location", "header, query and cookie are all off: every request is refused", "switch one of them on")
	}
	spec.Claims = d.claims()
	for _, v := range d.subjects {
		if name := v.text(); name != "" {
			spec.Identity = append(spec.Identity, name)
		}
	}
	spec.Policies = d.selector()
	d.headers(&spec)
	d.limits(&spec)
	d.report()
	return spec
}

// match is the domain and the listen path.
func (d *definition) match() []authz.MatchSpec {
	host := d.domain.text()
	if host == "" {
		host = "*"
	}
	if strings.ContainsAny(host, "{}()[]|^$\\") {
		d.domain.wrong("a pattern of hosts cannot be kept", "one exact host, or *.suffix")
	}
	if strings.ContainsAny(d.listen.text(), "{}()[]|^$*\\") {
		d.listen.wrong("a pattern of paths cannot be kept", "a path that begins the paths of the API")
	}
	return []authz.MatchSpec{{Host: host, Path: d.path()}}
}

// path is the listen path, without a slash at its end.
func (d *definition) path() string {
	path := d.listen.text()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" {
		return trimmed
	}
	return "/"
}

// claims are the checks of claims. What is wrong in Tyk is right here: a skew of
// exp is not undone (B5), allowed subjects are compared with the subject (B6), a
// rule contains an element or a word and never a part of one (B19).
func (d *definition) claims() authz.ClaimsSpec {
	c := authz.ClaimsSpec{
		Issuers: d.issuers.texts(), Audiences: d.audiences.texts(), Subjects: d.allowedSubs.texts(),
		InsecureAnyAudience: len(d.audiences.texts()) == 0, Require: []string{},
		Skew: authz.SkewSpec{Exp: skew(d.skewExp), Iat: skew(d.skewIat), Nbf: skew(d.skewNbf)},
	}
	if d.jti.there() && d.jti.flag() {
		c.Require = append(c.Require, "jti")
	}
	for _, off := range []struct {
		at   value
		name string
	}{{d.offExp, "exp"}, {d.offNbf, "nbf"}, {d.offIat, "iat"}} {
		if off.at.there() && off.at.flag() {
			c.InsecureSkip = append(c.InsecureSkip, off.name)
		}
	}
	for _, r := range d.rules {
		c.Rules = append(c.Rules, r.rule())
	}
	return c
}

func skew(v value) time.Duration { return time.Duration(v.seconds() * float64(time.Second)) }

// rule is one custom claim rule.
func (r *claimRule) rule() authz.RuleSpec {
	out := authz.RuleSpec{Claim: r.claim, WarnOnly: r.nonBlocking}
	if strings.ContainsAny(r.claim, "#*?|@[]\\") {
		r.at.wrong("a path with wildcards, queries or indexes cannot be kept", "names joined by dots")
	}
	var values []any
	for _, v := range r.allowed {
		if plain, ok := plainOf(v); ok {
			values = append(values, plain)
		} else {
			v.note("rule-value", "an array or object as allowed value never fits here", "text, numbers, true or false")
		}
	}
	switch kind := r.kind.text(); kind {
	case "exact_match":
		out.Equals = values
	case "contains":
		out.Contains = values
		r.kind.note("rule-contains", "contains fits an element of an array or a word of a text, where Tyk takes any part of a text (B19)", "")
	case "required", "":
	default:
		r.kind.note("rule-unknown", "the type "+shown(kind)+" is not known: only presence is checked, as in Tyk", "required, exact_match or contains")
	}
	if (out.Equals != nil || r.kind.text() == "exact_match" || r.kind.text() == "contains") && len(values) == 0 {
		r.at.note("rule-empty", "without allowedValues the rule refuses every token", "allowedValues")
		out.Equals = []any{}
	}
	return out
}

// plainOf gives a value as rules compare it.
func plainOf(v value) (any, bool) {
	if v.node == nil || len(v.node.Content) > 0 {
		return nil, false
	}
	switch v.node.ShortTag() {
	case "!!null":
		return nil, true
	case "!!bool":
		return v.flag(), true
	case "!!int", "!!float":
		return json.Number(v.node.Value), true
	case "!!str":
		return v.node.Value, true
	}
	return nil, false
}

// selector says how claims choose policies.
func (d *definition) selector() policies.SelectorSpec {
	s := policies.SelectorSpec{ScopeClaims: []string{"scope"}, Org: d.org, Tyk: true}
	for _, v := range d.policyClaims {
		s.Claims = append(s.Claims, v.text())
	}
	for _, v := range d.defaults {
		s.Default = append(s.Default, v.text())
	}
	if len(d.scopeNames) > 0 {
		s.ScopeClaims = nil
		for _, v := range d.scopeNames {
			s.ScopeClaims = append(s.ScopeClaims, v.text())
		}
	}
	for _, r := range d.scopeMap {
		if s.ScopeMap == nil {
			s.ScopeMap = map[string][]string{}
		}
		s.ScopeMap[r.scope] = append(s.ScopeMap[r.scope], r.policy.text())
	}
	return s
}

// report tells of what the definition has and this gate does not do.
func (d *definition) report() {
	if d.clientField.there() && d.clientField.text() != "" && len(d.policyClaims) == 0 {
		d.clientField.note("client-field", "the policy of another key, named by a claim, is not looked up", "a policy claim or a scope map")
	}
	for _, v := range d.ignored {
		v.note("other-check", "this is not checked here", "say it in Envoy's routes or in access rights")
	}
}
