package tyk

import (
	"regexp"
	"strings"

	"github.com/tollgate-authz/tollgate/policies"
)

// paths says how patterns of paths are read, and where APIs listen.
type paths struct {
	legacy func(api string) bool // tyk.paths: legacy, Tyk's built-in default
	listen map[string]string     // API id → listen path without the last slash
	also   map[string][]string   // API id → other paths that it listens on, as regular expressions
	known  map[[2]string]string  // API id and pattern → what came of it; "" for nothing
}

var templateName = regexp.MustCompile(`{[^{}]*}`)

// pattern turns a pattern of a path into an anchored regular expression over the
// whole path as the client sent it (Tyk's five steps: braces, stars, prefix,
// suffix, search). ok is false for one that Tyk could not compile either.
func (p *paths) pattern(api, text string) (anchored string, ok bool) {
	key := [2]string{api, text}
	anchored, seen := p.known[key]
	if !seen {
		anchored, ok = p.anchored(api, text)
		if !ok {
			anchored = ""
		}
		p.known[key] = anchored
	}
	return anchored, anchored != ""
}

func (p *paths) anchored(api, text string) (anchored string, ok bool) {
	expr := text
	if n := strings.Count(expr, "{"); n > 0 && n == strings.Count(expr, "}") {
		expr = templateName.ReplaceAllString(expr, `([^/]+)`)
	}
	expr = strings.ReplaceAll(expr, "/*/", "/[^/]+/")
	expr = strings.ReplaceAll(expr, "/*", "/.*")
	if p.legacy(api) {
		anchored = searched(expr)
	} else {
		if text == "" { // matches nothing here in Tyk
			return "", false
		}
		if !strings.HasSuffix(expr, "$") {
			expr += "$"
		}
		anchored = p.matched(api, expr)
	}
	// Alone first: "/a)|(?:/b" would fit into the group that is made around it.
	for _, text := range []string{expr, anchored} {
		if _, err := regexp.Compile(text); err != nil {
			return "", false
		}
	}
	return "regex:" + anchored, true
}

// searched fits a path that has the expression anywhere.
func searched(expr string) string { return `^(?s:.*)(?:` + expr + `)(?s:.*)$` }

// matched fits a path that begins with the expression, or has it anywhere where
// it does not begin with a slash; with or without the part that the API listens
// on.
func (p *paths) matched(api, expr string) string {
	before := `^(?:` + strings.Join(append([]string{regexp.QuoteMeta(p.listen[api])}, p.also[api]...), "|") + `)?`
	begin, begins := strings.CutPrefix(expr, "^")
	switch {
	case strings.HasPrefix(expr, "/"):
		return before + `(?:` + expr + `)(?s:.*)$`
	case begins && !strings.Contains(begin, "|"):
		return before + `(?:` + begin + `)(?s:.*)$`
	case begins: // what the sign binds to is not plain: only the whole path
		return searched(expr)
	}
	return before + `(?s:.*)(?:` + expr + `)(?s:.*)$`
}

// access reads the access rights of a policy or of a key.
func (p *paths) access(v value) []policies.TykAccess {
	var out []policies.TykAccess
	for _, m := range v.members() {
		a := policies.TykAccess{API: m.name, Versions: m.value.get("versions").texts(), Scope: m.value.get("allowance_scope").text()}
		if id := m.value.get("api_id"); id.there() && id.text() != "" && id.text() != m.name {
			id.note("api-id", "the key "+shown(m.name)+" of access_rights counts, not this", m.name)
		}
		for _, u := range m.value.get("allowed_urls").list() {
			a.URLs = append(a.URLs, p.url(m.name, u))
		}
		a.Limit = limitOf(m.value.get("limit"))
		for _, e := range m.value.get("endpoints").list() {
			a.Endpoints = append(a.Endpoints, p.endpoint(m.name, e)...)
		}
		p.reportRight(m.value)
		out = append(out, a)
	}
	return out
}

func (p *paths) url(api string, u value) policies.AllowSpec {
	at := u.get("url")
	methods := u.get("methods").texts()
	pattern, ok := p.pattern(api, at.text())
	if !ok {
		at.note("url-invalid", "the pattern "+shown(at.text())+" grants nothing", "a path or a regular expression")
		return policies.AllowSpec{Methods: methods, Path: "regex:^$"}
	}
	if p.legacy(api) && (!strings.HasPrefix(at.text(), "^") || !strings.HasSuffix(at.text(), "$")) {
		at.note("url-unanchored", "the pattern "+shown(at.text())+" fits anywhere in a path", "^…$, or tyk.paths: prefix_suffix")
	}
	return policies.AllowSpec{Methods: methods, Path: pattern}
}

func (p *paths) endpoint(api string, e value) []policies.TykEndpoint {
	at := e.get("path")
	pattern, ok := p.pattern(api, at.text())
	if !ok {
		at.note("url-invalid", "the pattern "+shown(at.text())+" fits nothing", "a path or a regular expression")
		return nil
	}
	var out []policies.TykEndpoint
	for _, m := range e.get("methods").list() {
		limit := limitOf(m.get("limit"))
		out = append(out, policies.TykEndpoint{
			Method: strings.ToUpper(m.get("name").text()), Path: at.text(), Pattern: pattern, Rate: limit.Rate, Per: limit.Per,
		})
	}
	return out
}

// reportRight tells of rights that need the body of a request.
func (p *paths) reportRight(v value) {
	for _, name := range []string{
		"restricted_types", "allowed_types", "field_access_rights", "disable_introspection", "json_rpc_methods", "json_rpc_methods_access_rights",
		"mcp_primitives", "mcp_access_rights",
	} {
		if r := v.get(name); r.there() && (len(r.node.Content) > 0 || r.node.Value == "true") {
			r.note("body-rights", "it needs the body of the request, which this gate never sees", "say it in the upstream")
		}
	}
}

// limitOf reads rate and quota.
func limitOf(v value) policies.TykLimit {
	l := policies.TykLimit{
		Rate: v.get("rate").number(), Per: v.get("per").number(),
		QuotaMax: v.get("quota_max").whole(), QuotaRenewal: v.get("quota_renewal_rate").whole(),
	}
	for _, name := range []string{"throttle_interval", "throttle_retry_limit"} {
		if t := v.get(name); t.there() && t.number() > 0 {
			t.note("throttle", "a refused request is not held back and tried again: the client gets 429 and Retry-After", "")
		}
	}
	if s := v.get("smoothing", "enabled"); s.there() && s.flag() {
		s.note("smoothing", "the rate is not raised and lowered by itself", "token_bucket with burst in a native policy")
	}
	return l
}
