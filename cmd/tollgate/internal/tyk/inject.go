package tyk

import (
	"regexp"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// identityHeaders are the headers that every native API injects unless it says
// otherwise; a Tyk definition injects its own beside them.
func identityHeaders() []authz.InjectSpec {
	var out []authz.InjectSpec
	for name, template := range map[string]string{
		"session": "$session.id", "subject": "$subject", "issuer": "$issuer", "api": "$api",
		"policies": "$policies", "scopes": "$scopes", "tags": "$tags",
	} {
		out = append(out, authz.InjectSpec{Header: "x-tollgate-" + name, Template: template})
	}
	return out
}

// headers are the headers that the definition adds and removes.
func (d *definition) headers(spec *authz.APISpec) {
	if len(d.inject) == 0 && len(d.remove) == 0 {
		return
	}
	spec.Inject, spec.InjectSet = identityHeaders(), true
	for _, h := range d.inject {
		if strings.Contains(h.value, "$tyk_context.") && !d.context {
			h.at.note("context-off", "context variables are off in this definition, so this one is empty", "enable_context_vars: true")
		}
		h.variables()
		spec.Inject = append(spec.Inject, authz.InjectSpec{Header: h.name, Template: h.value})
	}
	for _, v := range d.remove {
		spec.Remove = append(spec.Remove, v.text())
	}
}

var contextVariable = regexp.MustCompile(`\$tyk_context\.([A-Za-z0-9_.-]*)`)

// variables tells of context variables that cannot be had here.
func (h *headerValue) variables() {
	for _, found := range contextVariable.FindAllStringSubmatch(h.value, -1) {
		name := found[1]
		switch {
		case authz.KnownVariable(name):
		case strings.HasPrefix(name, "request_data"):
			h.at.wrong("the variable "+shown(name)+" needs the body of the request, which this gate never sees", "a variable of the request line, its headers or the token")
		default:
			h.at.wrong("there is no variable "+shown(name)+" of the context here",
				"jwt_claims_NAME, token, path, path_parts, headers_NAME, cookies_NAME, remote_addr or request_id")
		}
	}
}

// limits are the limit of the API over all its callers and what is switched off.
func (d *definition) limits(spec *authz.APISpec) {
	if d.skipRate.there() && d.skipRate.flag() {
		spec.Limits.SkipRate = true // Tyk skips the API's own limit as well
	}
	if d.skipQuota.there() && d.skipQuota.flag() {
		spec.Limits.SkipQuota = true
	}
	if d.rate.off || d.rate.rate <= 0 || d.rate.per <= 0 || spec.Limits.SkipRate {
		return
	}
	rate := policies.TykRate(d.rate.rate, d.rate.per)
	spec.Limits.Rate = &rate
}

// addHeader adds an injected header. The versions of an API may all have it; one
// that they have with different values cannot be kept.
func (d *definition) addHeader(h headerValue) {
	for _, before := range d.inject {
		if !strings.EqualFold(before.name, h.name) {
			continue
		}
		if before.value != h.value {
			h.at.note("header-versions", "another version of the API sends this header with another value, which counts", "one API for each version")
		}
		return
	}
	d.inject = append(d.inject, h)
}
