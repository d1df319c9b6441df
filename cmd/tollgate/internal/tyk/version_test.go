package tyk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// versioned is a Classic definition with versions v1 and v2, found as place says.
func versioned(place string) string {
	return `{"api_id": "a", "enable_jwt": true, "jwt_signing_method": "hmac", "jwt_source": "` + b64std(hmacOfTests) + `", "jwt_policy_field_name": "pol",
 "proxy": {"listen_path": "/a/"}, "definition": ` + place + `, "version_data": {"default_version": "v1", "versions": {"v1": {"name": "v1"}, "v2": {"name": "v2"}}}}`
}

// oasVersion is an OAS definition.
func oasVersion(id, listen, info string) string {
	return fmt.Sprintf(`{"openapi": "3.0.3", "paths": {}, "security": [{"j": []}], "components": {"securitySchemes": {"j": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
 "x-tyk-api-gateway": {"info": {"id": %q, "name": %q, "state": {"active": true%s}, "upstream": {}},
 "server": {"listenPath": {"value": %q}, "authentication": {"enabled": true, "securitySchemes": {"j": {"enabled": true, "header": {"enabled": true},
 "signingMethod": "hmac", "source": %q, "basePolicyClaims": ["pol"]}}}}}}`, id, id, info, listen, b64std(hmacOfTests))
}

// asked is one request on a loaded set of files, with a token for a policy.
type asked struct {
	target, header, policy string
	allow                  bool
	says                   string
}

func askVersions(t *testing.T, legacy bool, files []string, rows []asked) *Loaded {
	t.Helper()
	g := newGateway(t)
	var given []config.ForeignFile
	for i, text := range files {
		given = append(given, config.ForeignFile{Path: fmt.Sprintf("x%d.json", i), Data: []byte(text)})
	}
	l := Load(given, Options{LegacyPaths: legacy})
	for _, f := range l.Findings {
		if f.Error {
			t.Fatal(f)
		}
	}
	spec := l.spec()
	spec.Unmatched = authz.UnmatchedAllow // whatever is not there must not pass for that
	snapshot, problems := g.engine.Compile(t.Context(), spec)
	if snapshot == nil {
		t.Fatal(firstError(problems))
	}
	g.engine.Swap(snapshot)
	for _, row := range rows {
		token := g.keys.mint(t, &recordToken{Alg: "HS256", Key: "raw:" + hmacOfTests, Claims: map[string]any{"sub": "u", "pol": row.policy}}, g.clock.time())
		p := &authz.Plain{Request: authz.Line{Method: "GET", Scheme: "http", Host: "gateway.example", Target: row.target}}
		p.Add("Authorization", token)
		for line := range strings.Lines(row.header) {
			p.Add("X-Version", strings.TrimSpace(line))
		}
		got := g.engine.Decide(t.Context(), p)
		if (got.Outcome == authz.Allow) != row.allow || !strings.Contains(got.Body, row.says) {
			t.Errorf("%+v: %s %s %s", row, got.Outcome, got.Reason, got.Body)
		}
	}
	return l
}

const (
	versionPolicies = `{"one": {"access_rights": {"a": {"versions": ["v1"], "allowed_urls": [{"url": "/users", "methods": ["GET"]}]}}},
 "two": {"access_rights": {"a": {"versions": ["v2"]}}}, "none": {"access_rights": {"a": {"versions": []}}}}`
	unknownVersion = "This API version does not seem to exist"
	noAPI          = "Access to this API has been disallowed"
)

// The first segment below the listen path is the version.
func TestVersionInPath(t *testing.T) {
	place := `{"location": "url", "strip_path": true}`
	askVersions(t, false, []string{versioned(place), versionPolicies}, []asked{
		{target: "/a/v1/users", policy: "one", allow: true},
		{target: "/a/v1/users?v2", policy: "one", allow: true},
		{target: "/a/v2/users", policy: "one", says: noAPI},
		{target: "/a/v2/users", policy: "two", allow: true},
		{target: "/a/v2", policy: "two", allow: true},
		{target: "/a/v1/admin", policy: "one", says: "this resource"},
		{target: "/a/v3/users", policy: "two", says: unknownVersion},
		{target: "/a/%76%32/users", policy: "two", allow: true},
		{target: "/a/v1/users", policy: "none", says: noAPI},
		{target: "/a", policy: "two", says: noAPI}, // the default
	})
	// Not taken out of the path, it stands in the patterns.
	askVersions(t, false, []string{versioned(`{"location": "url"}`), versionPolicies}, []asked{
		{target: "/a/v1/users", policy: "one", says: "this resource"},
		{target: "/a/v2/users", policy: "two", allow: true},
	})
	askVersions(t, false, []string{versioned(`{"location": "url", "fallback_to_default": true}`), versionPolicies}, []asked{
		{target: "/a/v3/users", policy: "two", says: noAPI},
		{target: "/a/users", policy: "one", allow: true},
	})
}

// Versions of an OAS definition are definitions of their own, which alone decide.
func TestVersionsThatAreDefinitions(t *testing.T) {
	base := oasVersion("base", "/b/", `}, "versioning": {"enabled": true, "name": "v1", "default": "self", "location": "header", "key": "X-Version",
 "versions": [{"name": "v2", "id": "second"}, {"name": "v3", "id": "gone"}]}, "x": {"y": 1`)
	second := oasVersion("second", "/hidden/", `, "internal": true`)
	rights := `{"one": {"access_rights": {"base": {}}}, "two": {"access_rights": {"second": {"allowed_urls": [{"url": "/users", "methods": ["GET"]}]}}}}`
	l := askVersions(t, false, []string{base, second, rights}, []asked{
		{target: "/b/users", policy: "one", allow: true},
		{target: "/b/users", header: "v1", policy: "one", allow: true},
		{target: "/b/users", header: "v2", policy: "one", says: noAPI},
		{target: "/b/users", header: "v2", policy: "two", allow: true},
		{target: "/b/admin", header: "v2", policy: "two", says: "this resource"},
		{target: "/b/users", policy: "two", says: noAPI},
		{target: "/b/users", header: "v3", policy: "one", says: unknownVersion},
		{target: "/b/users", header: "v9", policy: "one", says: unknownVersion},
	})
	if !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.ID == "version-missing" && strings.Contains(f.Field, "versions[1].id") }) {
		t.Errorf("nothing tells of the version that is not loaded: %v", l.Findings)
	}
	for _, a := range l.APIs {
		if a.ID == "second" && len(a.Match) != 0 {
			t.Error("an internal definition is reached by its path")
		}
	}
	// A version that is not served is not served open, nor by another one.
	keyless := strings.Replace(second, `"authentication": {"enabled": true`, `"authentication": {"enabled": false`, 1)
	askVersions(t, false, []string{base, keyless, rights}, []asked{
		{target: "/b/users", header: "v2", policy: "one"}, {target: "/b/users", header: "v2", policy: "two"},
	})
}

// A version that is named twice, or in a spelling that an upstream may read and
// this gate does not, is no request for the default.
func TestVersionsThatAreAmbiguous(t *testing.T) {
	askVersions(t, false, []string{versioned(`{"location": "url-param", "key": "v"}`), versionPolicies}, []asked{
		{target: "/a/users?v=v2", policy: "one", says: noAPI},
		{target: "/a/users?%76=v2", policy: "one", says: noAPI},
		{target: "/a/users?%76=v2", policy: "two", allow: true},
	})
	for _, fallback := range []string{"", `, "fallback_to_default": true`} {
		askVersions(t, false, []string{versioned(`{"location": "url-param", "key": "v"` + fallback + `}`), versionPolicies}, []asked{
			{target: "/a/users?v=v1&x=v=v2", policy: "one", allow: true},
			{target: "/a/users?%76=v1", policy: "one", allow: true},
			{target: "/a/users?v=v1&v=v2", policy: "one", says: "Malformed request"},
			{target: "/a/users?v=v1&%76=v2", policy: "one", says: "Malformed request"},
			{target: "/a/users?a=1;v=v2", policy: "one", says: "Malformed request"},
			{target: "/a/users?v=%zz", policy: "one", says: "Malformed request"},
			{target: "/a/users?%zz=v2", policy: "one", says: "Malformed request"},
		})
		askVersions(t, false, []string{versioned(`{"location": "header", "key": "X-Version"` + fallback + `}`), versionPolicies}, []asked{
			{target: "/a/users", header: "v1", policy: "one", allow: true},
			{target: "/a/users", header: "v1\nv2", policy: "one", says: "Malformed request"},
			{target: "/a/users", header: "v1,v2", policy: "one", says: "Malformed request"},
		})
	}
}

func TestVersionsThatCannotBeKept(t *testing.T) {
	for place, want := range map[string]string{
		`{"location": "cookie", "key": "v"}`:                       "definition.location",
		`{"location": "header"}`:                                   "definition.key",
		`{"location": "url", "url_versioning_pattern": "^v[0-9]"}`: "definition.url_versioning_pattern",
	} {
		l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(versioned(place))}}, Options{})
		if !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.Error && f.Field == want }) {
			t.Errorf("%s: %v", place, l.Findings)
		}
	}
}
