package tyk

import "strings"

// The types of fields that are read only where others say so: each of another
// type is told whatever those say.

// at gives a member by its path.
func (v value) at(path string) value { return v.get(strings.Split(path, ".")...) }

func (v value) flagsAt(paths ...string) {
	for _, path := range paths {
		v.at(path).flag()
	}
}

func (v value) textsAt(paths ...string) {
	for _, path := range paths {
		v.at(path).text()
	}
}

func (v value) listsAt(paths ...string) {
	for _, path := range paths {
		v.at(path).list()
	}
}

func (v value) objectsAt(paths ...string) {
	for _, path := range paths {
		v.at(path).members()
	}
}

// classicShape checks the types of a Classic definition.
func classicShape(v value) {
	v.flagsAt(
		"enable_jwt", "use_jwt", "use_keyless", "use_oauth2", "use_openid", "use_basic_auth", "enable_signature_checking", "use_mutual_tls_auth",
		"enable_coprocess_auth", "use_go_plugin_auth", "use_standard_auth", "external_oauth.enabled", "definition.strip_path",
		"definition.strip_versioning_data", "definition.fallback_to_default", "version_data.not_versioned")
	v.textsAt("definition.location", "definition.key", "version_data.default_version", "jwt_scope_claim_name", "scopes.jwt.scope_claim_name")
	v.objectsAt("definition", "version_data.versions", "jwt_scope_to_policy_mapping", "scopes.jwt.scope_to_policy", "auth")
}

// oasShape checks the types of the extension of an OAS definition.
func oasShape(ext value) {
	ext.flagsAt(
		"info.state.active", "info.state.internal", "info.versioning.enabled", "server.customDomain.enabled", "server.authentication.enabled",
		"server.authentication.stripAuthorizationData", "server.authentication.skipRateLimit", "server.authentication.skipQuota",
		"middleware.global.contextVariables.enabled", "middleware.global.rateLimit.enabled", "middleware.global.skipRateLimit",
		"middleware.global.skipQuota", "middleware.global.transformRequestHeaders.enabled", "server.ipAccessControl.enabled",
		"server.clientCertificates.enabled", "server.authentication.hmac.enabled", "server.authentication.oidc.enabled",
		"server.authentication.custom.enabled")
	ext.textsAt("server.customDomain.name", "server.authentication.securityProcessingMode", "server.authentication.baseIdentityProvider")
	ext.listsAt("info.versioning.versions", "middleware.global.transformRequestHeaders.add", "middleware.global.transformRequestHeaders.remove")
	ext.objectsAt(
		"info.state", "info.versioning", "server.customDomain", "server.authentication.securitySchemes", "middleware.operations",
		"middleware.global.rateLimit", "middleware.global.contextVariables", "middleware.global.transformRequestHeaders")
}

// schemeShape checks the types of the JWT settings of an OAS definition.
func schemeShape(s value) {
	s.textsAt("identityBaseField", "policyFieldName", "scopes.claimName")
	s.listsAt("subjectClaims", "basePolicyClaims", "scopes.claims")
}

// policyShape checks the types of a policy.
func policyShape(v value) {
	v.textsAt("_id", "post_expiry_action")
	v.at("post_expiry_grace_period").number()
	rightsShape(v.get("access_rights"))
}

// rightsShape checks the types of what rights say about bodies.
func rightsShape(v value) {
	for _, m := range v.members() {
		m.value.listsAt("restricted_types", "allowed_types", "field_access_rights", "json_rpc_methods", "mcp_primitives")
		m.value.objectsAt("json_rpc_methods_access_rights", "mcp_access_rights")
		m.value.flagsAt("disable_introspection")
	}
}

// confShape checks the types of a tyk.conf.
func confShape(v value) {
	v.flagsAt("http_server_options.enable_path_prefix_matching", "http_server_options.enable_path_suffix_matching", "hash_keys")
	v.textsAt("hash_key_function")
}
