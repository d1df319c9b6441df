package tyk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// generator makes definitions, policies, tokens and requests.
type generator struct {
	*rand.Rand
	t *testing.T
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) often() bool { return g.IntN(3) > 0 }

// definition makes one of either form, and the claims that it speaks of.
func (g *generator) definition(id string) map[string]any {
	if g.often() {
		return g.classic(id)
	}
	return g.oas(id)
}

const hmacOfTests = "tyk123-and-as-many-bytes-as-a-hash-has-or-more-of-them-for-HS512-too"

func (g *generator) classic(id string) map[string]any {
	d := map[string]any{
		"api_id": id, "org_id": "o", "name": id, "active": true, "enable_jwt": true, "jwt_signing_method": "hmac",
		"jwt_source": b64std(hmacOfTests), "proxy": map[string]any{"listen_path": "/" + id + "/", "target_url": "http://upstream.example"},
		"jwt_policy_field_name": pick(g, "pol", "", "user.policy"), "jwt_identity_base_field": pick(g, "", "sub", "user_id", "user.id"),
		"jwt_expires_at_validation_skew": g.IntN(3) * 30, "jwt_not_before_validation_skew": g.IntN(2) * 30, "jwt_issued_at_validation_skew": g.IntN(2) * 30,
		"jwt_disable_expires_at_validation": g.IntN(8) == 0, "strip_auth_data": g.IntN(2) == 0,
		"auth_configs": map[string]any{"jwt": map[string]any{"use_param": g.IntN(2) == 0, "param_name": "jwt", "use_cookie": g.IntN(3) == 0}},
	}
	if g.often() {
		d["jwt_default_policies"] = g.some("p0", "p1", "p2", "gone")
	}
	if g.often() {
		d["scopes"] = map[string]any{"jwt": map[string]any{
			"scope_claim_name": pick(g, "scope", "", "scp"),
			"scope_to_policy":  map[string]any{"read": pick(g, "p0", "p1"), "write": pick(g, "p2", "gone")},
		}}
	}
	return d
}

func (g *generator) oas(id string) map[string]any {
	jwt := map[string]any{
		"enabled": true, "header": map[string]any{"enabled": true, "name": "Authorization"}, "signingMethod": "hmac", "source": b64std(hmacOfTests),
		"basePolicyClaims": g.some("pol", "user.policy"), "subjectClaims": g.some("user_id", "sub", "user.id"),
	}
	if g.often() {
		jwt["defaultPolicies"] = g.some("p0", "p1", "p2", "gone")
	}
	if g.often() {
		jwt["scopes"] = map[string]any{"claims": g.some("scope", "scp"), "scopeToPolicyMapping": []any{
			map[string]any{"scope": "read", "policyId": pick(g, "p0", "p1")}, map[string]any{"scope": "write", "policyId": "p2"},
		}}
	}
	if g.IntN(3) == 0 {
		jwt["allowedIssuers"] = g.some("https://a.example/", "https://b.example/")
	}
	if g.IntN(3) == 0 {
		jwt["allowedAudiences"] = g.some("orders", "other")
	}
	if g.IntN(4) == 0 {
		jwt["allowedSubjects"] = g.some("ann", "bob")
	}
	if g.IntN(3) == 0 {
		jwt["jtiValidation"] = map[string]any{"enabled": true}
	}
	if g.IntN(2) == 0 {
		jwt["customClaimValidation"] = map[string]any{pick(g, "role", "user.role"): map[string]any{
			"type": pick(g, "required", "exact_match", "contains"), "allowedValues": []any{"admin", 5, true}, "nonBlocking": g.IntN(3) == 0,
		}}
	}
	return map[string]any{
		"openapi": "3.0.3", "info": map[string]any{"title": id, "version": "1"}, "paths": map[string]any{},
		"components": map[string]any{"securitySchemes": map[string]any{"jwtAuth": map[string]any{"type": "http", "scheme": "bearer", "bearerFormat": pick(g, "JWT", "jwt")}}},
		"security":   []any{map[string]any{"jwtAuth": []any{}}},
		"x-tyk-api-gateway": map[string]any{
			"info":     map[string]any{"id": id, "name": id, "orgId": "o", "state": map[string]any{"active": true}},
			"upstream": map[string]any{"url": "http://upstream.example"},
			"server": map[string]any{"listenPath": map[string]any{"value": "/" + id + "/"}, "authentication": map[string]any{
				"enabled": true, "securitySchemes": map[string]any{"jwtAuth": jwt},
			}},
		},
	}
}

func (g *generator) some(list ...string) []any {
	var out []any
	for _, item := range list {
		if g.IntN(2) == 0 {
			out = append(out, item)
		}
	}
	return out
}

// policies makes three policies about the APIs.
func (g *generator) policies(prefix string, apis []string) map[string]any {
	out := map[string]any{}
	for i := range 3 {
		id := fmt.Sprintf("p%d", i)
		access := map[string]any{}
		for _, api := range apis {
			if g.IntN(6) > 0 {
				right := map[string]any{"api_id": api, "versions": []any{"Default"}}
				if g.IntN(3) == 0 {
					right["allowed_urls"] = []any{map[string]any{
						"url": pick(g, "/a", "/a/{id}", "/b/*", "^/a$", "a"), "methods": append(g.some("POST"), "GET"),
					}}
				}
				access[api] = right
			}
		}
		p := map[string]any{
			"id": prefix + id, "org_id": "o", "rate": pick(g, 0, 2, 30), "per": pick(g, 60, 0), "quota_max": pick(g, -1, 0, 40), "quota_renewal_rate": 3600,
			"access_rights": access, "is_inactive": g.IntN(20) == 0, "tags": g.some("a", "b"),
		}
		if g.IntN(4) == 0 {
			p["partitions"] = map[string]any{pick(g, "acl", "quota", "rate_limit", "per_api"): true}
		}
		out[prefix+id] = p
	}
	return out
}

// token makes the claims of a token.
func (g *generator) token(prefix string, now time.Time) map[string]any {
	c := map[string]any{"exp": now.Unix() + int64(pick(g, 600, 600, 600, 600, 600, 600, -20, -600)), "sub": pick(g, "ann", "ann", "bob", "")}
	for name, values := range map[string][]any{
		"pol": {prefix + "p0", prefix + "p1", prefix + "p2", prefix + "p0", "gone", []any{prefix + "p0"}, 5}, "user_id": {"u1", "u1", "u1", "", 7}, "scope": {"read", "read", "write read", "none", []any{"read"}, ""},
		"scp": {"read", []any{"write"}}, "iss": {"https://a.example/", "https://b.example/", "https://c.example/", 4}, "aud": {"orders", []any{"orders", "other"}, "y"}, "jti": {"1"},
		"role": {"admin", "admins", 5, true, []any{"admin"}, nil}, "user": {map[string]any{"id": "u2", "policy": prefix + "p1", "role": "admin"}},
		"nbf": {now.Unix() + 20, now.Unix() - 20}, "iat": {now.Unix() + 20, now.Unix() - 20, "x"},
	} {
		often := 2
		if name == "nbf" || name == "iat" {
			often = 8
		}
		if g.IntN(often) == 0 {
			c[name] = pick(g, values...)
		}
	}
	return c
}

// request makes a request with a token.
func (g *generator) request(api, token string) *authz.Plain {
	p := &authz.Plain{Request: authz.Line{
		Method: pick(g, "GET", "POST"), Scheme: "http", Host: "gateway.example", Target: "/" + api + pick(g, "/a", "/a/7", "/b/c/d", "/zzz", ""),
	}}
	switch g.IntN(16) {
	case 0:
		p.Request.Target += "?jwt=" + token
	case 1:
		p.Add("Cookie", "Authorization="+token)
	case 2:
		p.Add("Authorization", token)
	case 3:
	default:
		p.Add("Authorization", "Bearer "+token)
	}
	return p
}

// renamed puts a prefix before the ids of policies in a definition.
func renamed(t *testing.T, prefix string, definition map[string]any) []byte {
	text := string(mustJSON(t, definition))
	for _, id := range []string{"p0", "p1", "p2"} {
		text = strings.ReplaceAll(text, `"`+id+`"`, `"`+prefix+id+`"`)
	}
	return []byte(text)
}

// TestImportGenerated: what import writes decides generated requests as the files
// themselves, except where the report says why not. TOLLGATE_LONG=1 asks 10,000.
func TestImportGenerated(t *testing.T) {
	worlds, asked := 20, 25
	if os.Getenv("TOLLGATE_LONG") != "" {
		worlds = 400
	}
	total, allowed, reported := 0, 0, 0
	for seed := range worlds {
		g := &generator{rand.New(rand.NewPCG(uint64(seed), 7)), t}
		direct := newGateway(t)
		prefix := fmt.Sprintf("w%d.", seed)
		apis := []string{fmt.Sprintf("api%d-a", seed), fmt.Sprintf("api%d-b", seed)}
		var files []config.ForeignFile
		for _, api := range apis {
			files = append(files, config.ForeignFile{Path: api + ".json", Data: renamed(t, prefix, g.definition(api))})
		}
		files = append(files, config.ForeignFile{Path: "policies.json", Data: mustJSON(t, g.policies(prefix, apis))})
		loaded := Load(files, Options{})
		snapshot, problems := direct.engine.Compile(t.Context(), loaded.spec())
		if why := loaded.broken(direct.engine); why != "" || snapshot == nil {
			t.Fatalf("world %d does not load: %s %s", seed, why, firstError(problems))
		}
		direct.engine.Swap(snapshot)
		native, findings := newNative(t, files)
		lost := slices.ContainsFunc(findings, func(f Finding) bool { return strings.HasPrefix(f.ID, "native-") })
		for i := range asked {
			claims := g.token(prefix, direct.clock.time())
			token := direct.keys.mint(t, &recordToken{Alg: pick(g, "HS256", "HS256", "HS256", "HS256", "HS384", "HS512", "RS256"), Key: "raw:" + hmacOfTests, Claims: claims}, direct.clock.time())
			request := g.request(pick(g, apis...), token)
			want := direct.engine.Decide(t.Context(), request)
			got := native.Decide(t.Context(), request)
			total++
			if want.Outcome == authz.Allow {
				allowed++
			}
			if got.Outcome == want.Outcome {
				continue
			}
			if lost {
				reported++
				continue
			}
			t.Errorf("world %d request %d: %s %s, the files %s %s; claims %v", seed, i, got.Outcome, got.Reason, want.Outcome, want.Reason, slices.Sorted(maps.Keys(claims)))
		}
	}
	t.Logf("evidence: %d requests, %d allowed, %d otherwise as the report says", total, allowed, reported)
	if reported*10 > total || allowed*20 < total {
		t.Error("too much is reported, or refused, to prove anything")
	}
}

func newNative(t *testing.T, files []config.ForeignFile) (*authz.Engine, []Finding) {
	g := newGateway(t)
	return g.native(t, files, Options{})
}
