package authz

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// attack is one case of testdata/jwt-attacks.jsonl.
type attack struct {
	ID, Category, Level, Token, Authorization, Expect, Identity string
	Keys                                                        sampleKeys
	Parts                                                       []struct {
		Text   string
		Repeat int
	} `json:"token_parts"`
	Config sampleConfig `json:"alg_config"`
	MaxMS  int          `json:"max_ms"`
}

type sampleKeys struct {
	Kind, PEM, B64 string
	SecretB64      string `json:"secret_b64"`
	JWKS           json.RawMessage
	Keys           map[string]struct{ Kty, K string }
	Store          map[string]string
	Sources        []struct {
		Issuer string
		JWKS   json.RawMessage
	}
}

type sampleConfig struct {
	Algs, Require, Audience, Policies []string
	Skew                              map[string]int
	Check                             map[string]bool
	Issuer                            string
	KidRequired                       *bool             `json:"kid_required"`
	PolicyClaim                       string            `json:"policy_claim"`
	Defaults                          []string          `json:"default_policies"`
	Inactive                          []string          `json:"inactive_policies"`
	ScopeClaim                        string            `json:"scope_claim"`
	ScopeMap                          map[string]string `json:"scope_map"`
}

func samples[T any](t *testing.T, file string) []T {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var one T
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		out = append(out, one)
	}
	return out
}

// keysOf writes the keys of a case as a file would, and the parts of the service
// that they need.
func (k *sampleKeys) keysOf() (out []KeySpec, options Options) {
	options = Options{Now: noon, CacheBytes: 1 << 20}
	switch k.Kind {
	case "secret":
		out = []KeySpec{{Secret: must(base64.StdEncoding.DecodeString(k.B64))}}
	case "pem":
		out = []KeySpec{{PEM: []byte(k.PEM)}}
	case "jwks":
		out = []KeySpec{{JWK: k.JWKS}}
	case "multi_jwks":
		for _, s := range k.Sources {
			out = append(out, KeySpec{JWK: s.JWKS, Issuer: s.Issuer})
		}
	case "perkey":
		out = []KeySpec{{Credentials: true}}
		stored := credentials{}
		for id, key := range k.Keys {
			c := &Credential{ID: id, Policies: []string{"gold"}}
			if made, err := jws.NewSecret(must(base64.RawURLEncoding.DecodeString(key.K))); err == nil {
				c.Keys = []*jws.Key{made}
			}
			stored["/"+id] = c
		}
		options.Credentials = stored
	case "split":
		out = []KeySpec{{JWK: k.JWKS}, {Secret: must(base64.StdEncoding.DecodeString(k.SecretB64))}}
		restored := halves{}
		for half, rest := range k.Store {
			restored[half] = rest + "." + half
		}
		options.Restorer = restored
	}
	return out, options
}

func (c *attack) spec() (Spec, Options) {
	config := &c.Config
	keySpecs, options := c.Keys.keysOf()
	a := APISpec{
		ID: "api", Match: []MatchSpec{{Host: "*"}}, Keys: keySpecs, Algorithms: config.Algs,
		Claims: ClaimsSpec{Audiences: config.Audience, Require: config.Require},
	}
	if config.Issuer != "" {
		a.Claims.Issuers = []string{config.Issuer}
	}
	a.KidRequired = strings.HasSuffix(c.Keys.Kind, "jwks") && (config.KidRequired == nil || *config.KidRequired)
	seconds := func(name string) time.Duration { return time.Duration(config.Skew[name]) * time.Second }
	a.Claims.Skew = SkewSpec{Exp: seconds("exp"), Nbf: seconds("nbf"), Iat: seconds("iat")}
	for name, on := range config.Check {
		if !on {
			a.Claims.InsecureSkip = append(a.Claims.InsecureSkip, name)
		}
	}
	if c.Keys.Kind == "split" {
		a.Split.Mode = SplitRequired
	}
	var spec Spec
	a.Policies = policies.SelectorSpec{Default: []string{"gold"}}
	ids := []string{"gold"}
	if c.Category == "policy" {
		ids = config.Policies
		a.Policies = policies.SelectorSpec{Claims: []string{config.PolicyClaim}, Default: config.Defaults, ScopeMap: map[string][]string{}}
		if config.ScopeClaim != "" {
			a.Policies.ScopeClaims = []string{config.ScopeClaim}
		}
		for scope, id := range config.ScopeMap {
			a.Policies.ScopeMap[scope] = []string{id}
		}
	}
	for _, id := range ids {
		spec.Policies = append(spec.Policies, policies.Spec{
			ID: id, Inactive: slices.Contains(config.Inactive, id),
			Access: []policies.AccessSpec{{API: "api", All: true}},
		})
	}
	spec.APIs = []APISpec{a}
	return spec, options
}

// TestAttacks: every case gets its verdict, cold, cached and explained. A refused
// configuration is a denial. None is left out.
func TestAttacks(t *testing.T) {
	cases := samples[attack](t, "testdata/jwt-attacks.jsonl")
	if len(cases) != 106 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			spec, options := c.spec()
			e := New(options)
			t.Cleanup(e.Close)
			snap, found := e.Compile(t.Context(), spec)
			if snap == nil {
				if c.Expect == "allow" {
					t.Fatalf("refused: %v", texts(found))
				}
				return
			}
			e.Swap(snap)
			token := c.Token
			for _, part := range c.Parts {
				token += strings.Repeat(part.Text, max(part.Repeat, 1))
			}
			req := get("/", bearerOf(token))
			if c.Authorization != "" {
				req = get("/", "Authorization: "+c.Authorization)
			}
			start := time.Now()
			got := e.Decide(t.Context(), req)
			took := time.Since(start)
			got = decideLike(t, e, req, got)
			if (got.Outcome == Allow) != (c.Expect == "allow") {
				t.Errorf("%s: %s %q; want %s", c.Level, got.Outcome, got.Reason, c.Expect)
			}
			if c.Identity != "" && got.Metadata.Subject != c.Identity {
				t.Errorf("identity %q; want %q", got.Metadata.Subject, c.Identity)
			}
			if limit := time.Duration(c.MaxMS) * time.Millisecond; c.MaxMS > 0 && took > 5*limit {
				t.Errorf("took %v", took)
			}
		})
	}
}

func decideLike(t *testing.T, e *Engine, req Request, first Answer) Answer {
	t.Helper()
	got := decide(t, e, req)
	if a, b := shape(first), shape(got); a != b {
		t.Errorf("the first answer and a later one:\n%s\n%s", a, b)
	}
	return got
}

// headerCase is one case of testdata/headers.jsonl.
type headerCase struct {
	ID, Category, Level, Token, Expect string
	Accept                             []string
	Keys                               sampleKeys
	Mapping                            []struct{ Claim, Header string }
	ValueJSON                          string            `json:"value_json"`
	ExpectValue                        *string           `json:"expect_value"`
	ForbidRaw                          string            `json:"forbid_raw"`
	Headers                            map[string]string `json:"request_headers"`
	MustNotPass                        []string          `json:"must_not_pass"`
	MustNotContain                     []string          `json:"must_not_contain"`
	MaxResponse                        int               `json:"max_response_bytes"`
	Config                             sampleConfig      `json:"alg_config"`
	Request                            struct {
		Extra      int               `json:"extra_header_count"`
		Extensions map[string]string `json:"context_extensions"`
	}
}

func TestHeaderCases(t *testing.T) {
	cases := samples[headerCase](t, "testdata/headers.jsonl")
	if len(cases) != 25 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			asAttack := attack{Keys: c.Keys, Category: c.Category, Config: c.Config}
			spec, options := asAttack.spec()
			if c.Config.PolicyClaim != "" {
				spec.APIs[0].Policies.Claims = []string{c.Config.PolicyClaim}
			}
			spec.APIs[0].InjectSet = c.Mapping != nil
			for _, m := range c.Mapping {
				spec.APIs[0].Inject = append(spec.APIs[0].Inject, InjectSpec{Header: m.Header, Template: "$claims." + m.Claim})
			}
			e := New(options)
			t.Cleanup(e.Close)
			snap, found := e.Compile(t.Context(), spec)
			if snap == nil {
				if !slices.Contains(c.Accept, "config-error") {
					t.Fatal(texts(found))
				}
				return
			}
			e.Swap(snap)
			req := get("/", bearerOf(c.Token))
			for name, value := range c.Headers {
				req.with(name + ": " + value)
			}
			for i := range c.Request.Extra {
				req.with(fmt.Sprintf("x-extra-%d: x", i))
			}
			req.line.API, req.line.HasAPI = c.Request.Extensions["api_id"]
			got := decide(t, e, req)
			if outcome := c.outcome(t, got); !slices.Contains(c.Accept, outcome) {
				t.Errorf("%s: %s (%q); accepted %v", c.Level, outcome, got.Reason, c.Accept)
			}
		})
	}
}

// outcome names what happened in the words of the cases.
func (c *headerCase) outcome(t *testing.T, got Answer) string {
	t.Helper()
	raw := regexp.MustCompile(`[\x00-\x1f\x7f]`)
	size := len(got.Body)
	text := got.Body
	for _, h := range got.Headers {
		size += len(h.Name) + len(h.Value)
		text += h.Value
		if raw.MatchString(h.Value) {
			t.Errorf("%s: %q", h.Name, h.Value)
		}
	}
	for _, part := range c.MustNotContain {
		if strings.Contains(text, part) {
			t.Errorf("%q is repeated in %q", part, text)
		}
	}
	if c.MaxResponse > 0 && size > c.MaxResponse {
		t.Errorf("%d bytes", size)
	}
	if got.Outcome == Deny {
		return "deny"
	}
	switch c.Category {
	case "value":
		return c.valueOutcome(t, got, raw)
	case "spoof":
		outcome := "ignored"
		for _, name := range c.MustNotPass {
			e, ok := edit(got, name)
			switch {
			case !ok:
				return "passed"
			case e.Remove:
				outcome = "removed"
			default:
				outcome = "overwritten"
			}
		}
		return outcome
	}
	return "allow"
}

func (c *headerCase) valueOutcome(t *testing.T, got Answer, raw *regexp.Regexp) string {
	t.Helper()
	e, ok := edit(got, c.Mapping[0].Header)
	if !ok {
		return "passed as sent"
	}
	if e.Remove {
		return "drop"
	}
	if raw.MatchString(e.Value) || (c.ExpectValue != nil && e.Value != *c.ExpectValue) {
		t.Errorf("value %q", e.Value)
	}
	shown, err := Inspect(c.Token)
	if err != nil {
		t.Fatal(err)
	}
	said := object(t, string(shown.Claims)).Get(c.Mapping[0].Claim).Text()
	switch {
	case e.Value != said:
		return "encode"
	case strings.ContainsFunc(said, func(r rune) bool { return r > '~' }):
		return "pass-utf8"
	}
	return "pass"
}
