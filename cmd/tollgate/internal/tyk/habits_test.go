package tyk

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// loadOne loads one definition: the base of its form with fields set.
func loadOne(t *testing.T, kind, fields string) (*Loaded, authz.APISpec) {
	t.Helper()
	doc := base(kind)
	inner := doc
	if kind == "oas" {
		inner = doc["x-tyk-api-gateway"].(map[string]any)["server"].(map[string]any)["authentication"].(map[string]any)["securitySchemes"].(map[string]any)["jwtAuth"].(map[string]any)
	}
	if err := json.Unmarshal([]byte(fields), &inner); err != nil {
		t.Fatal(err)
	}
	l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{})
	return l, l.APIs[0]
}

// TestTykSessionIDs: the ids that Tyk's gateway gives.
func TestTykSessionIDs(t *testing.T) {
	for function, want := range map[string]string{
		"":         "defaultee11cbb19052e40b07aac0ca060c23ee",
		"murmur64": "eyJvcmciOiJkZWZhdWx0IiwiaWQiOiJlZTExY2JiMTkwNTJlNDBiMDdhYWMwY2EwNjBjMjNlZSIsImgiOiJtdXJtdXI2NCJ9",
	} {
		if got := authz.TykSessionID("default", "user", function); got != want {
			t.Errorf("%q: %s", function, got)
		}
	}
}

func TestInactive(t *testing.T) {
	if _, a := loadOne(t, "classic", `{"active": false}`); !a.Inactive {
		t.Error("an inactive definition is served")
	}
}

// TestKinds: what is no JWT API is never served, and keeps its path.
func TestKinds(t *testing.T) {
	if _, a := loadOne(t, "classic", `{"enable_jwt": false, "use_jwt": true}`); a.Inactive {
		t.Error("use_jwt is not read")
	}
	for _, fields := range []string{`{"enable_jwt": false, "use_keyless": true}`, `{"enable_jwt": false}`} {
		if _, a := loadOne(t, "classic", fields); !a.Inactive || len(a.Match) != 1 {
			t.Errorf("%s is served", fields)
		}
	}
	if _, a := loadOne(t, "oas", `{"enabled": false}`); !a.Inactive {
		t.Error("a scheme that is off is served")
	}
}

func TestKeys(t *testing.T) {
	_, a := loadOne(t, "classic", `{"jwt_source": "", "jwt_skip_kid": true}`)
	if !a.Definition.SkipKid || len(a.Keys) != 1 || !a.Keys[0].Credentials {
		t.Errorf("%+v", a.Keys)
	}
	if _, a = loadOne(t, "oas", `{"source": "", "skipKid": true}`); !a.Definition.SkipKid {
		t.Error("skipKid")
	}
}

// TestSources: every form of source that is no key, and none that is one by
// accident.
func TestSources(t *testing.T) {
	for source, bad := range map[string]bool{
		"https://issuer.example/keys":          false,
		b64std("https://issuer.example/keys"):  false,
		b64std("secret"):                       false,
		"":                                     false,
		"no base64!":                           true,
		b64std(""):                             false,
		b64std("env://NOT_RESOLVED"):           true,
		b64std("secrets://name"):               true,
		b64std("kv://x"):                       true,
		"$secret_env.X":                        true,
		b64std("-----BEGIN PUBLIC KEY-----\n"): true,
		b64std(`{"keys": []}`):                 true,
	} {
		l, _ := loadOne(t, "classic", `{"jwt_source": `+string(mustJSON(t, source))+`}`)
		got := slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.Error })
		if got != bad {
			t.Errorf("%q: refused %v", source, got)
		}
	}
}

func TestDeprecatedScopes(t *testing.T) {
	_, a := loadOne(t, "classic", `{"jwt_scope_claim_name": "s", "jwt_scope_to_policy_mapping": {"a": "p"}}`)
	if diff := cmp.Diff(map[string][]string{"a": {"p"}}, a.Policies.ScopeMap); diff != "" || a.Policies.ScopeClaims[0] != "s" {
		t.Error(diff)
	}
}

func TestBasePolicyClaims(t *testing.T) {
	_, a := loadOne(t, "oas", `{"basePolicyClaims": ["pol", "user.policy"], "policyFieldName": "old"}`)
	if diff := cmp.Diff([]string{"pol", "user.policy"}, a.Policies.Claims); diff != "" {
		t.Error(diff)
	}
}

func TestOldFlags(t *testing.T) {
	_, a := loadOne(t, "oas", `{"disableExpiresAtValidation": true, "disableIssuedAtValidation": true, "disableNotBeforeValidation": true}`)
	if diff := cmp.Diff([]string{"exp", "nbf", "iat"}, a.Claims.InsecureSkip); diff != "" {
		t.Error(diff)
	}
}

// TestLocations: where the token stands, and the names that are not written.
func TestLocations(t *testing.T) {
	for _, tt := range []struct {
		kind, fields string
		want         authz.LocationSpec
	}{
		{"classic", `{}`, authz.LocationSpec{Header: "Authorization"}},
		{"classic", `{"strip_auth_data": true}`, authz.LocationSpec{Header: "Authorization", Strip: true}},
		{"classic", `{"auth": {"auth_header_name": "X-Old"}}`, authz.LocationSpec{Header: "X-Old"}},
		{"classic", `{"auth": {"auth_header_name": "X-Old"}, "auth_configs": {"jwt": {}}}`, authz.LocationSpec{Header: "Authorization"}},
		{"classic", `{"auth_configs": {"jwt": {"auth_header_name": "X-Tok", "use_param": true}}}`, authz.LocationSpec{Header: "X-Tok", Query: "X-Tok"}},
		{"classic", `{"auth_configs": {"jwt": {"disable_header": true, "auth_header_name": "X-Tok", "use_param": true}}}`, authz.LocationSpec{Header: "X-Tok", HeaderOff: true, Query: "Authorization"}},
		{"classic", `{"auth_configs": {"jwt": {"use_cookie": true, "cookie_name": "c", "param_name": "unused"}}}`, authz.LocationSpec{Header: "Authorization", Cookie: "c"}},
		{"oas", `{"header": {"enabled": true, "name": "X"}, "query": {"enabled": true, "name": "q"}, "cookie": {"enabled": true}}`, authz.LocationSpec{Header: "X", Query: "q", Cookie: "X"}},
		{"oas", `{"header": {"enabled": false}, "query": {"enabled": true, "name": "q"}}`, authz.LocationSpec{Header: "Authorization", HeaderOff: true, Query: "q"}},
	} {
		_, a := loadOne(t, tt.kind, tt.fields)
		if diff := cmp.Diff(tt.want, a.Token); diff != "" {
			t.Errorf("%s %s: %s", tt.kind, tt.fields, diff)
		}
	}
}

// TestSkips: limits of an API, and what switches limits off.
func TestKeepQuota(t *testing.T) {
	if _, a := loadOne(t, "classic", `{"dont_set_quota_on_create": true}`); !a.Definition.KeepQuota {
		t.Error("dont_set_quota_on_create")
	}
	doc, _ := (&field{Field: "server.authentication.skipQuotaReset"}).set(t, "extension", true)
	if l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{}); !l.APIs[0].Definition.KeepQuota {
		t.Error("skipQuotaReset")
	}
}

func TestSkips(t *testing.T) {
	_, a := loadOne(t, "classic", `{"global_rate_limit": {"rate": 0.5, "per": 1}}`)
	if r := a.Limits.Rate; r == nil || r.Requests != 1 || r.Per.Seconds() != 2 {
		t.Errorf("%+v", r)
	}
	_, a = loadOne(t, "classic", `{"global_rate_limit": {"rate": 5, "per": 1}, "disable_rate_limit": true, "disable_quota": true}`)
	if a.Limits.Rate != nil || !a.Limits.SkipRate || !a.Limits.SkipQuota {
		t.Errorf("%+v", a.Limits)
	}
	if _, a = loadOne(t, "classic", `{"global_rate_limit": {"rate": 5, "per": 1, "disabled": true}}`); a.Limits.Rate != nil {
		t.Errorf("%+v", a.Limits)
	}
}

func TestHeadersRemoved(t *testing.T) {
	_, a := loadOne(t, "classic", `{"version_data": {"not_versioned": true, "versions": {"Default": {"global_headers_remove": ["X-Internal"]}}}}`)
	if diff := cmp.Diff([]string{"X-Internal"}, a.Remove); diff != "" {
		t.Error(diff)
	}
}

// TestPolicyFiles: a map, an array and one policy a file, with their ids.
func TestPolicyFiles(t *testing.T) {
	right := `"access_rights": {"a": {}}`
	for text, want := range map[string]string{
		`{"x": {` + right + `}, "y": {"id": "z", ` + right + `}}`:   "x,z",
		`[{"id": "x", ` + right + `}, {"_id": "y", ` + right + `}]`: "x,y",
		`{"id": "x", "_id": "y", ` + right + `}`:                    "x",
	} {
		l := Load([]config.ForeignFile{{Path: "p.json", Data: []byte(text)}}, Options{})
		var ids []string
		for _, p := range l.Policies {
			ids = append(ids, p.ID)
		}
		if got := strings.Join(ids, ","); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestConf: a tyk.conf decides how the other files are read, wherever it stands.
func TestConf(t *testing.T) {
	definition := config.ForeignFile{Path: "a.json", Data: mustJSON(t, base("classic"))}
	policy := config.ForeignFile{Path: "p.json", Data: []byte(`{"id": "p", "access_rights": {"a": {"allowed_urls": [{"url": "/x", "methods": ["GET"]}]}}}`)}
	for conf, want := range map[string]bool{
		`{"hash_keys": true, "hash_key_function": "murmur64", "http_server_options": {"enable_path_prefix_matching": true, "enable_path_suffix_matching": true}}`: false,
		`{"hash_keys": true}`: true,
	} {
		l := Load([]config.ForeignFile{definition, policy, {Path: "tyk.conf", Data: []byte(conf)}}, Options{HashFunction: "sha256"})
		legacy := strings.HasPrefix(l.Policies[0].Tyk.Access[0].URLs[0].Path, "regex:^(?s:.*)")
		if legacy != want || l.APIs[0].Definition.HashFunction != l.HashFunction || (l.HashFunction == "murmur64") == want {
			t.Errorf("%s: legacy %v, %q", conf, legacy, l.HashFunction)
		}
	}
}
