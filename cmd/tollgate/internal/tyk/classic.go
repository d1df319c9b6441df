package tyk

// readClassic reads a Classic definition.
func readClassic(v value) definition {
	classicShape(v)
	d := definition{
		at: v, classic: true, id: v.get("api_id"), name: v.get("name").text(), org: v.get("org_id").text(), domain: v.get("domain"),
		listen: v.get("proxy", "listen_path"), active: true,
		method: v.get("jwt_signing_method"), source: v.get("jwt_source"),
		skipKid: v.get("jwt_skip_kid").flag(), clientField: v.get("jwt_client_base_field"),
		skewExp: v.get("jwt_expires_at_validation_skew"), skewIat: v.get("jwt_issued_at_validation_skew"), skewNbf: v.get("jwt_not_before_validation_skew"),
		offExp: v.get("jwt_disable_expires_at_validation"), offIat: v.get("jwt_disable_issued_at_validation"), offNbf: v.get("jwt_disable_not_before_validation"),
		internal: v.get("internal").flag(), strip: v.get("strip_auth_data").flag(), context: v.get("enable_context_vars").flag(),
		skipRate: v.get("disable_rate_limit"), skipQuota: v.get("disable_quota"),
		keepQuota: v.get("dont_set_quota_on_create").flag(),
	}
	if a := v.get("active"); a.there() {
		d.active = a.flag()
	}
	d.kind, d.kindAt = classicKind(v)
	for _, u := range v.get("jwt_jwks_uris").list() {
		d.jwks = append(d.jwks, jwksURI{url: u.get("url"), timeout: cacheTimeout(u.get("cache_timeout"))})
	}
	d.jwksIgnored = len(d.jwks) > 0
	if f := v.get("jwt_identity_base_field"); f.there() {
		d.subjects = []value{f}
	}
	if f := v.get("jwt_policy_field_name"); f.there() && f.text() != "" {
		d.policyClaims = []value{f}
	}
	d.defaults = v.get("jwt_default_policies").list()
	d.classicScopes(v)
	d.location = classicLocation(v)
	d.classicMiddleware(v)
	d.rate = apiRate{
		at: v.get("global_rate_limit"), rate: v.get("global_rate_limit", "rate").number(), per: v.get("global_rate_limit", "per").number(),
		off: v.get("global_rate_limit", "disabled").flag(),
	}
	if data := v.get("version_data"); data.there() && !notVersioned(data) {
		d.classicVersions(v.get("definition"), data)
	}
	return d
}

// classicKind says what authenticates the API, when that is not a JWT alone. In
// Tyk all that is switched on has to be fulfilled.
func classicKind(v value) (string, value) {
	jwt := false
	for _, name := range []string{"enable_jwt", "use_jwt"} {
		// One that is neither true nor false is told; the rest is read all the same.
		on := v.get(name)
		jwt = jwt || on.there() && (on.flag() || on.node.ShortTag() != "!!bool")
	}
	other, at := otherKind(v)
	switch {
	case !jwt && other == "":
		return "auth tokens", v
	case !jwt:
		return other, at
	case other == "keyless":
		at.note("keyless", "without a token nobody gets in here, where Tyk would ask for none", "use_keyless: false")
	case other != "":
		return "a JWT together with " + other, at
	}
	return "", value{}
}

// otherKind gives what is switched on besides JWT.
func otherKind(v value) (string, value) {
	for _, other := range []struct{ field, name string }{
		{"use_keyless", "keyless"},
		{"use_oauth2", "OAuth"},
		{"use_openid", "OpenID Connect"},
		{"use_basic_auth", "basic auth"},
		{"enable_signature_checking", "HMAC signatures"},
		{"use_mutual_tls_auth", "mutual TLS"},
		{"enable_coprocess_auth", "a plugin"},
		{"use_go_plugin_auth", "a plugin"},
		{"use_standard_auth", "auth tokens"},
	} {
		if on := v.get(other.field); on.there() && on.flag() {
			return other.name, on
		}
	}
	if ext := v.get("external_oauth", "enabled"); ext.there() && ext.flag() {
		return "external OAuth", ext
	}
	return "", value{}
}

// classicScopes reads the scope map; the deprecated pair counts only when the
// whole scopes object is empty.
func (d *definition) classicScopes(v value) {
	name, rules := v.get("scopes", "jwt", "scope_claim_name"), v.get("scopes", "jwt", "scope_to_policy")
	oidc := v.get("scopes", "oidc")
	if !name.there() && len(rules.members()) == 0 && len(oidc.members()) == 0 {
		name, rules = v.get("jwt_scope_claim_name"), v.get("jwt_scope_to_policy_mapping")
	} else {
		for _, old := range []value{v.get("jwt_scope_claim_name"), v.get("jwt_scope_to_policy_mapping")} {
			if old.there() && (old.node.Value != "" || len(old.node.Content) > 0) {
				old.note("scopes-deprecated", "it is not read, since scopes is there too", "write it in scopes.jwt only")
			}
		}
	}
	if name.there() && name.text() != "" {
		d.scopeNames = []value{name}
	}
	for _, m := range rules.members() {
		d.scopeMap = append(d.scopeMap, scopeRule{scope: m.name, policy: m.value})
	}
}

// classicLocation reads auth_configs.jwt, or the single auth of old where that
// has no entry.
func classicLocation(v value) location {
	at := v.get("auth_configs", "jwt")
	if !at.there() {
		at = v.get("auth")
	}
	l := location{
		at: at, headerOff: at.get("disable_header").flag(), header: at.get("auth_header_name").text(),
		queryOn: at.get("use_param").flag(), query: at.get("param_name").text(),
		cookieOn: at.get("use_cookie").flag(), cookie: at.get("cookie_name").text(),
	}
	l.names()
	return l
}

// classicMiddleware reads header injection and what would decide requests in
// Tyk besides JWT.
func (d *definition) classicMiddleware(v value) {
	for _, version := range v.get("version_data", "versions").members() {
		for _, h := range version.value.get("global_headers").members() {
			d.addHeader(headerValue{name: h.name, value: h.value.text(), at: h.value})
		}
		d.remove = append(d.remove, version.value.get("global_headers_remove").list()...)
		d.ignoreLists(version.value.get("extended_paths"), "ignored", "white_list", "black_list", "internal", "rate_limit", "size_limits",
			"validate_json", "validate_request", "go_plugin")
		d.ignoreLists(version.value.get("paths"), "ignored", "white_list", "black_list")
		if size := version.value.get("global_size_limit"); size.number() > 0 {
			d.ignored = append(d.ignored, size)
		}
	}
	d.ignoreLists(v.get("custom_middleware"), "pre", "post_key_auth", "post")
	if e := v.get("expiration"); expires(e) {
		e.note("api-expires", "the API does not end by itself", "take the definition out when its time has come")
	}
	if b := v.get("base_identity_provided_by"); b.there() && b.text() != "" && b.text() != "jwt_claim" {
		b.note("base-identity", "only the JWT gives the identity here", "jwt_claim")
	}
	for _, name := range []string{"enable_ip_whitelisting", "enable_ip_blacklisting", "auth_configs.jwt.use_certificate"} {
		if on := v.at(name); on.there() && on.flag() {
			d.ignored = append(d.ignored, on)
		}
	}
}

// notVersioned says whether an API has one version only.
func notVersioned(data value) bool {
	return data.get("not_versioned").flag() || len(data.get("versions").members()) == 0
}
