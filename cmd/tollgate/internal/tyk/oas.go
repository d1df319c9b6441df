package tyk

import "strings"

// readOAS reads an OAS definition: the OpenAPI document and its extension.
func readOAS(v value) definition {
	ext := v.get("x-tyk-api-gateway")
	oasShape(ext)
	info, server := ext.get("info"), ext.get("server")
	auth := server.get("authentication")
	d := definition{
		at: v, id: info.get("id"), name: info.get("name").text(), org: info.get("orgId").text(),
		active: true, listen: server.get("listenPath", "value"), strip: auth.get("stripAuthorizationData").flag(),
	}
	if a := info.get("state", "active"); a.there() {
		d.active = a.flag()
	}
	d.keepQuota = auth.get("skipQuotaReset").flag()
	d.internal = info.get("state", "internal").flag()
	if custom := server.get("customDomain"); custom.get("enabled").flag() {
		d.domain = custom.get("name")
	}
	if e := info.get("expiration"); expires(e) {
		e.note("api-expires", "the API does not end by itself", "take the definition out when its time has come")
	}
	scheme, kind, at := jwtScheme(v, auth)
	if kind == "" {
		kind, at = beside(server)
	}
	if kind != "" {
		d.kind, d.kindAt = kind, at
		return d
	}
	if b := auth.get("baseIdentityProvider"); b.there() && b.text() != "" && b.text() != "jwt_claim" {
		b.note("base-identity", "only the JWT gives the identity here", "jwt_claim")
	}
	d.oasScheme(scheme)
	d.oasMiddleware(ext)
	d.skipRate, d.skipQuota = server.get("authentication", "skipRateLimit"), server.get("authentication", "skipQuota")
	if other := ext.get("middleware", "global", "skipRateLimit"); other.there() {
		d.skipRate = other
	}
	if other := ext.get("middleware", "global", "skipQuota"); other.there() {
		d.skipQuota = other
	}
	if ver := info.get("versioning"); ver.get("enabled").flag() {
		d.oasVersions(ver)
	}
	return d
}

// jwtScheme finds the security scheme that is a JWT and used: bearerFormat in
// any case. Of several requirements Tyk reads the first one only, unless it is told
// to be compliant; all schemes of one have to be fulfilled, so one that asks for
// more than the JWT is not served.
func jwtScheme(v, auth value) (scheme value, kind string, at value) {
	requirements := v.get("security").list()
	if mode := auth.get("securityProcessingMode").text(); mode != "compliant" && len(requirements) > 1 {
		requirements = requirements[:1]
	}
	for _, requirement := range requirements {
		found, other := value{}, value{}
		for _, used := range requirement.members() {
			settings := auth.get("securitySchemes").called(used.name)
			switch is := v.get("components", "securitySchemes").called(used.name); {
			case !auth.get("enabled").flag() || !settings.get("enabled").flag():
			case isJWT(is):
				found = settings
			default:
				other = used.value
			}
		}
		switch {
		case !found.there():
		case other.there():
			kind, at = "a JWT together with another scheme", other
		default:
			if len(requirements) > 1 {
				v.get("security").note("other-scheme", "of several ways to authenticate only the JWT is one here", "one requirement")
			}
			return found, "", value{}
		}
	}
	if kind == "" {
		kind, at = oasKind(v, auth)
	}
	return value{}, kind, at
}

func isJWT(scheme value) bool {
	return strings.EqualFold(scheme.get("type").text(), "http") && strings.EqualFold(scheme.get("scheme").text(), "bearer") &&
		strings.EqualFold(scheme.get("bearerFormat").text(), "jwt")
}

func oasKind(v, auth value) (string, value) {
	if !auth.there() || !auth.get("enabled").flag() {
		return "keyless", auth
	}
	for _, s := range v.get("components", "securitySchemes").members() {
		if auth.get("securitySchemes").called(s.name).get("enabled").flag() {
			return "another scheme than JWT (" + s.name + ")", s.value
		}
	}
	return "another scheme than JWT", auth
}

// beside gives what else authenticates the API, outside of its security schemes.
func beside(server value) (kind string, at value) {
	for _, other := range []struct{ field, name string }{
		{"clientCertificates.enabled", "mutual TLS"},
		{"authentication.hmac.enabled", "HMAC signatures"},
		{"authentication.oidc.enabled", "OpenID Connect"},
		{"authentication.custom.enabled", "a plugin"},
	} {
		if on := server.at(other.field); on.there() && on.flag() {
			return "a JWT together with " + other.name, on
		}
	}
	return "", value{}
}

// oasScheme reads the JWT settings. Lists win over the legacy single fields.
func (d *definition) oasScheme(s value) {
	schemeShape(s)
	d.method, d.source = s.get("signingMethod"), s.get("source")
	for _, u := range s.get("jwksURIs").list() {
		d.jwks = append(d.jwks, jwksURI{url: u.get("url"), timeout: cacheTimeout(u.get("cacheTimeout"))})
	}
	d.subjects = listOr(s.get("subjectClaims"), s.get("identityBaseField"))
	d.policyClaims = listOr(s.get("basePolicyClaims"), s.get("policyFieldName"))
	d.defaults = s.get("defaultPolicies").list()
	d.scopeNames = listOr(s.get("scopes", "claims"), s.get("scopes", "claimName"))
	for _, m := range s.get("scopes", "scopeToPolicyMapping").list() {
		d.scopeMap = append(d.scopeMap, scopeRule{scope: m.get("scope").text(), policy: m.get("policyId")})
	}
	d.skipKid, d.clientField = s.get("skipKid").flag(), s.get("clientBaseField")
	d.skewExp, d.skewIat, d.skewNbf = s.get("expiresAtValidationSkew"), s.get("issuedAtValidationSkew"), s.get("notBeforeValidationSkew")
	d.offExp, d.offIat, d.offNbf = s.get("disableExpiresAtValidation"), s.get("disableIssuedAtValidation"), s.get("disableNotBeforeValidation")
	d.issuers, d.audiences, d.allowedSubs = s.get("allowedIssuers"), s.get("allowedAudiences"), s.get("allowedSubjects")
	d.jti = s.get("jtiValidation", "enabled")
	for _, r := range s.get("customClaimValidation").members() {
		d.rules = append(d.rules, claimRule{
			claim: r.name, at: r.value, kind: r.value.get("type"), allowed: r.value.get("allowedValues").list(),
			nonBlocking: r.value.get("nonBlocking").flag(),
		})
	}
	header, query, cookie := s.get("header"), s.get("query"), s.get("cookie")
	d.location = location{
		at: s, headerOff: !header.get("enabled").flag(), header: header.get("name").text(),
		queryOn: query.get("enabled").flag(), query: query.get("name").text(),
		cookieOn: cookie.get("enabled").flag(), cookie: cookie.get("name").text(),
	}
	d.location.names()
}

// listOr gives a list, or the single old field where it is empty.
func listOr(list, old value) []value {
	if all := list.list(); len(all) > 0 {
		return all
	}
	if old.there() && old.text() != "" {
		return []value{old}
	}
	return nil
}

// oasMiddleware reads header injection, the limit of the API and what else would
// decide requests in Tyk.
func (d *definition) oasMiddleware(ext value) {
	global := ext.get("middleware", "global")
	d.context = global.get("contextVariables", "enabled").flag()
	if h := global.get("transformRequestHeaders"); h.get("enabled").flag() {
		for _, add := range h.get("add").list() {
			d.inject = append(d.inject, headerValue{name: add.get("name").text(), value: add.get("value").text(), at: add})
		}
		d.remove = h.get("remove").list()
	}
	for _, r := range []value{global.get("rateLimit"), ext.get("upstream", "rateLimit")} {
		if !r.there() {
			continue
		}
		d.rate = apiRate{at: r, rate: r.get("rate").number(), per: duration(r.get("per")).Seconds(), off: !r.get("enabled").flag()}
	}
	d.oasOther(ext)
}

// oasOther looks for what else refuses requests in Tyk.
func (d *definition) oasOther(ext value) {
	for _, path := range ext.get("middleware", "operations").members() {
		for _, name := range []string{"ignoreAuthentication", "allow", "block", "internal", "rateLimit", "requestSizeLimit", "validateRequest"} {
			if p := path.value.get(name); p.get("enabled").flag() {
				d.ignored = append(d.ignored, p)
			}
		}
		d.ignoreLists(path.value, "postPlugins")
	}
	for _, path := range []string{"server.ipAccessControl.enabled", "middleware.global.requestSizeLimit.enabled"} {
		if on := ext.at(path); on.there() && on.flag() {
			d.ignored = append(d.ignored, on)
		}
	}
	d.ignoreLists(ext.get("middleware", "global"),
		"prePlugins", "prePlugin.plugins", "postAuthenticationPlugins", "postAuthenticationPlugin.plugins", "postPlugins", "postPlugin.plugins")
}

// ignoreLists tells of the lists that are not empty.
func (d *definition) ignoreLists(v value, paths ...string) {
	for _, path := range paths {
		if p := v.at(path); len(p.list()) > 0 {
			d.ignored = append(d.ignored, p)
		}
	}
}
