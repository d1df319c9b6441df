package tyk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// TestExtension: what the extension of an OAS definition says besides its scheme.
func TestExtension(t *testing.T) {
	for _, tt := range []struct {
		field string
		value any
		is    func(*authz.APISpec) bool
	}{
		{"info.state.active", false, func(a *authz.APISpec) bool { return a.Inactive }},
		{"server.customDomain", map[string]any{"enabled": true, "name": "api.example.com"}, func(a *authz.APISpec) bool { return a.Match[0].Host == "api.example.com" }},
		{"server.authentication.stripAuthorizationData", true, func(a *authz.APISpec) bool { return a.Token.Strip }},
		{"server.authentication.skipRateLimit", true, func(a *authz.APISpec) bool { return a.Limits.SkipRate }},
		{"server.authentication.skipQuota", true, func(a *authz.APISpec) bool { return a.Limits.SkipQuota }},
		{"middleware.global.skipRateLimit", true, func(a *authz.APISpec) bool { return a.Limits.SkipRate }},
		{"middleware.global.skipQuota", true, func(a *authz.APISpec) bool { return a.Limits.SkipQuota }},
		{"middleware.global.rateLimit", map[string]any{"enabled": true, "rate": 5, "per": "1m"}, func(a *authz.APISpec) bool { return a.Limits.Rate != nil && a.Limits.Rate.Requests == 5 }},
	} {
		doc, _ := (&field{Field: tt.field}).set(t, "extension", tt.value)
		if l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{}); !tt.is(&l.APIs[0]) {
			t.Errorf("%s: %+v", tt.field, l.APIs[0])
		}
	}
}

// TestSeveralSchemes: a definition that asks for more than a JWT is not served,
// for what else it asks for is not checked here.
func TestSeveralSchemes(t *testing.T) {
	definition := func(security, mode string) string {
		return fmt.Sprintf(`{"openapi": "3.0.3", "paths": {}, "security": %s, "components": {"securitySchemes": {
 "j": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, "k": {"type": "apiKey", "in": "header", "name": "X-Key"}, "off": {"type": "apiKey", "in": "header", "name": "X-Off"}}},
 "x-tyk-api-gateway": {"info": {"id": "a"}, "server": {"listenPath": {"value": "/a/"}, "authentication": {"enabled": true, "securityProcessingMode": %q,
 "securitySchemes": {"k": {"enabled": true}, "off": {"enabled": false}, "j": {"enabled": true, "header": {"enabled": true}, "signingMethod": "hmac", "source": %q}}}}}}`,
			security, mode, b64std(hmacOfTests))
	}
	for _, tt := range []struct {
		security, mode string
		served         bool
		says           string
	}{
		{`[{"j": []}]`, "", true, ""},
		{`[{"j": [], "off": []}]`, "", true, ""},
		{`[{"j": [], "k": []}]`, "", false, "a JWT together with another scheme"},
		{`[{"k": []}]`, "", false, "another scheme than JWT"},
		{`[{"k": []}, {"j": []}]`, "legacy", false, "another scheme than JWT"}, // only the first counts
		{`[{"j": []}, {"k": []}]`, "legacy", true, ""},
		{`[{"k": []}, {"j": []}]`, "compliant", true, "of several ways to authenticate"},
		{`[{"j": [], "k": []}, {"j": []}]`, "compliant", true, "of several ways"},
		{`[{"j": [], "k": []}, {"k": []}]`, "compliant", false, "together"},
		{`[]`, "", false, "another scheme"},
	} {
		l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(definition(tt.security, tt.mode))}}, Options{})
		if l.APIs[0].Inactive == tt.served {
			t.Errorf("%s %s: served %v", tt.security, tt.mode, !l.APIs[0].Inactive)
		}
		if tt.says != "" && !slices.ContainsFunc(l.Findings, func(f Finding) bool { return strings.Contains(f.Reason, tt.says) }) {
			t.Errorf("%s %s: nothing says %q: %v", tt.security, tt.mode, tt.says, l.Findings)
		}
	}
	for _, other := range []string{"use_oauth2", "use_openid", "use_basic_auth", "enable_signature_checking", "use_mutual_tls_auth", "enable_coprocess_auth", "use_standard_auth"} {
		if _, a := loadOne(t, "classic", `{"`+other+`": true}`); !a.Inactive {
			t.Errorf("a JWT together with %s is served without it", other)
		}
	}
	for _, other := range []string{"server.clientCertificates", "server.authentication.hmac", "server.authentication.oidc", "server.authentication.custom"} {
		doc, _ := (&field{Field: other + ".enabled"}).set(t, "extension", true)
		if l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{}); !l.APIs[0].Inactive {
			t.Errorf("a JWT together with %s is served without it: %v", other, l.Findings)
		}
	}
	if l, a := loadOne(t, "classic", `{"use_keyless": true}`); a.Inactive || !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.ID == "keyless" }) {
		t.Error("a keyless definition with a JWT")
	}
}
