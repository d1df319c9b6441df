package authz

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/policies"
)

// TestOneByteChanges: S-001. A good token with any byte changed is refused,
// letter case and unused bits included.
func TestOneByteChanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/= \x00\n,"
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		key := keys()[alg]
		e := engine(t, standard(onAPI(func(a *APISpec) { a.Keys = []KeySpec{key.key()} })))
		token := key.sign(good())
		if got := e.Decide(context.Background(), get("/orders", bearerOf(token))); got.Outcome != Allow {
			t.Fatalf("%s: %s", alg, got.Reason)
		}
		for range 2500 {
			at := random.IntN(len(token))
			mutated := []byte(token)
			if random.IntN(2) == 0 {
				mutated[at] ^= byte(1 << random.IntN(8))
			} else {
				mutated[at] = alphabet[random.IntN(len(alphabet))]
			}
			if string(mutated) == token {
				continue
			}
			if got := e.Decide(context.Background(), get("/orders", bearerOf(string(mutated)))); got.Outcome != Deny {
				t.Fatalf("%s: byte %d as %q passes", alg, at, mutated[at])
			}
		}
	}
}

// anyJSON draws a JSON value of any type.
func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Just[any](true),
		rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any {
			return json.Number(rapid.StringMatching(`-?[1-9][0-9]{0,25}(\.[0-9]{1,3})?(e[0-9]{1,4})?`).Draw(t, "number"))
		}),
		rapid.SampledFrom([]any{"", " ", "basic", "alice", "a\r\nb", "orders", "read", "\x00", json.Number("0"), json.Number("1e400")}),
	}
	if depth > 0 {
		inner := anyJSON(depth - 1)
		leaves = append(leaves,
			rapid.Custom(func(t *rapid.T) any { return rapid.SliceOfN(inner, 0, 4).Draw(t, "list") }),
			rapid.Custom(func(t *rapid.T) any {
				return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "roles"}), inner, 0, 3).Draw(t, "object")
			}))
	}
	return rapid.OneOf(leaves...)
}

// wide is a specification that reads every claim somewhere.
func wide() Spec {
	return standard(func(s *Spec) {
		a := &s.APIs[0]
		a.Claims = ClaimsSpec{Audiences: []string{"orders"}, Rules: []RuleSpec{{Claim: "realm.roles", Contains: []any{"read"}, WarnOnly: true}, {Claim: "n", Equals: []any{json.Number("1")}, WarnOnly: true}}}
		a.Identity = []string{"uid", "realm.a"}
		a.Policies = policies.SelectorSpec{Claims: []string{"pol"}, Default: []string{"basic"}, ScopeMap: map[string][]string{"read": {"basic"}}}
		a.InjectSet, a.Inject = true, []InjectSpec{{Header: "x-n", Template: "$claims.n"}, {Header: "x-roles", Template: "$claims.realm.roles"}, {Header: "x-sub", Template: "$subject"}, {Header: "x-scopes", Template: "$scopes"}}
	})
}

// TestAnyClaims: S-048, S-049. Claims of any type never panic, and nothing that
// cannot stand in a header comes of them.
func TestAnyClaims(t *testing.T) {
	key := keys()["HS256"]
	e := engine(t, wide())
	names := []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "uid", "pol", "scope", "scp", "realm", "n"}
	value := anyJSON(2)
	allowed := 0
	rapid.Check(t, func(t *rapid.T) {
		payload := good()
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 6, rapid.ID[string]).Draw(t, "names") {
			payload[name] = value.Draw(t, name)
		}
		got := e.Decide(context.Background(), get("/orders", bearerOf(key.sign(payload))))
		if got.Reason == Internal {
			t.Fatalf("%v", payload)
		}
		if got.Outcome != Allow {
			return
		}
		allowed++
		if sub, ok := payload["exp"].(json.Number); ok && strings.HasPrefix(sub.String(), "-") {
			t.Fatalf("exp %s passes", sub)
		}
		for _, e := range got.Edits {
			if !e.Remove && !canStand(e.Value) {
				t.Fatalf("%s: %q", e.Name, e.Value)
			}
		}
		for _, text := range []string{got.Metadata.Subject, got.Metadata.Policies} {
			if text != "" && !canStand(text) {
				t.Fatalf("metadata %q", text)
			}
		}
	})
	if allowed == 0 {
		t.Error("no drawn token was allowed: the property saw nothing")
	}
}

// TestAnyRequest: whatever the request line and the headers are, the answer is a
// whole one and nothing malformed passes.
func TestAnyRequest(t *testing.T) {
	e := engine(t, standard())
	token := keys()["HS256"].sign(good())
	part := rapid.SampledFrom([]string{"/orders", "/", "//", "..", "%2e", "%2f", "?", "#", "\\", ";", " ", "a", "\x00", "é", "%"})
	hostPart := rapid.SampledFrom([]string{"api.example.com", ".", ":443", ",", "@", " ", "[", "]", "API", "\x7f"})
	rapid.Check(t, func(t *rapid.T) {
		line := Line{
			Method: rapid.SampledFrom([]string{"GET", "", "CONNECT", "get", "QUERY"}).Draw(t, "method"),
			Host:   strings.Join(rapid.SliceOfN(hostPart, 0, 3).Draw(t, "host"), ""),
			Target: strings.Join(rapid.SliceOfN(part, 0, 5).Draw(t, "target"), ""),
		}
		req := &request{line: line, headers: [][2]string{{"authorization", "Bearer " + token}}}
		got := e.Decide(context.Background(), req)
		if got.ID == "" || got.Reason == Internal || (got.Outcome == Deny) != (got.Status >= 400) {
			t.Fatalf("%+v: %+v", line, got)
		}
		path, _, _ := strings.Cut(line.Target, "?")
		if got.Outcome == Allow && (strings.Contains(path, "//") || strings.Contains(path, "..") || strings.ContainsAny(line.Host, ",@ ") || !strings.HasPrefix(path, "/orders")) {
			t.Fatalf("%+v passes", line)
		}
	})
}

// TestDeterminism: S-012. Engines of one configuration answer byte for byte alike,
// whatever the order of the headers.
func TestDeterminism(t *testing.T) {
	token := keys()["HS256"].sign(good())
	headers := []string{bearerOf(token), "x-tollgate-z: 1", "x_tollgate_a: 1", "X-Tollgate-M: 1", "accept: */*"}
	var want string
	for i := range 20 {
		e := engine(t, standard())
		shuffled := append([]string{}, headers...)
		rand.New(rand.NewPCG(uint64(i), 0)).Shuffle(len(shuffled), func(a, b int) { shuffled[a], shuffled[b] = shuffled[b], shuffled[a] })
		got := shape(decide(t, e, get("/orders", shuffled...)))
		if want == "" {
			want = got
		}
		if got != want {
			t.Fatalf("%s\n%s", got, want)
		}
	}
}
