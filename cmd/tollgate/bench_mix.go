package main

import (
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/load"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
)

// mixFlags say what bench asks.
type mixFlags struct {
	method, url           string
	headers               []string
	key, alg, kid, claims string
	users                 int
	fresh, bad            float64
}

func (f *mixFlags) add(set *pflag.FlagSet) {
	set.StringVarP(&f.method, "method", "X", "GET", "the method")
	set.StringVar(&f.url, "url", "http://bench.invalid/bench/orders/7?page=2", "the URL that is asked for")
	set.StringArrayVarP(&f.headers, "header", "H", nil, "a further header line; may be repeated")
	set.StringVar(&f.alg, "alg", "", "algorithm of the tokens; default RS256, with --address the usual one of the key")
	set.StringVar(&f.key, "key", "", "with --address: the key that signs the tokens")
	set.StringVar(&f.kid, "kid", "", "with --address: its id")
	set.StringVar(&f.claims, "claims", "{}", "with --address: claims of every token, as JSON; sub, iat and exp are set")
	set.IntVar(&f.users, "users", 1000, "distinct subjects, each with a token of its own")
	set.Float64Var(&f.fresh, "fresh", 0, "share of checks with a token that was never seen before, 0 to 1")
	set.Float64Var(&f.bad, "bad", 0, "share of checks that must be denied, 0 to 1")
}

// browser is what a browser sends beside the token, and Envoy adds.
func browser() []envoy.Field {
	return []envoy.Field{
		{Name: "user-agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{Name: "accept", Value: "application/json, text/plain, */*"},
		{Name: "accept-language", Value: "en-GB,en;q=0.7,de;q=0.3"},
		{Name: "accept-encoding", Value: "gzip, deflate, br, zstd"},
		{Name: "referer", Value: "https://shop.bench.invalid/"},
		{Name: "origin", Value: "https://shop.bench.invalid"},
		{Name: "sec-fetch-dest", Value: "empty"},
		{Name: "sec-fetch-mode", Value: "cors"},
		{Name: "sec-fetch-site", Value: "same-site"},
		{Name: "cookie", Value: "theme=dark; consent=all; lang=en"},
		{Name: "x-forwarded-for", Value: "203.0.113.7"},
		{Name: "x-forwarded-proto", Value: "https"},
		{Name: "x-request-id", Value: "3f0b5a0e-8c1e-4f55-9a59-3a7c1f3a0b11"},
	}
}

// request is what is asked, without a token.
func (f *mixFlags) request() (envoy.HTTP, error) {
	q, err := newQuestion(f.method, f.url, f.headers)
	if err != nil {
		return envoy.HTTP{}, err
	}
	described := envoy.HTTP{
		Method: q.line.Method, Scheme: q.line.Scheme, Host: q.line.Host, Target: q.line.Target, Raw: true, Headers: browser(),
	}
	for _, header := range q.headers {
		described.Headers = append(described.Headers, envoy.Field{Name: header.Name, Value: header.Value})
	}
	return described, nil
}

// made is the mix for a service of our own.
func (f *mixFlags) made(key *tokens.Key, now time.Time) (*load.Mix, error) {
	described, err := f.request()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(described.Target, "/bench/") {
		return nil, usage("--url: the service that bench starts has paths below /bench/; with --address any path goes")
	}
	claims := map[string]any{
		"iss": "https://bench.invalid/", "aud": "bench", "scope": "orders:read orders:write profile",
		"client_id": "bench", "roles": []string{"buyer", "seller"}, "email": "somebody@bench.invalid",
	}
	return &load.Mix{HTTP: described, Key: key, Claims: claims, Users: f.users, Fresh: f.fresh, Bad: f.bad, Now: now}, nil
}

// given is the mix for a service that runs already.
func (f *mixFlags) given(now time.Time) (*load.Mix, error) {
	described, err := f.request()
	if err != nil {
		return nil, err
	}
	if f.key == "" {
		return nil, usage("--key is missing: the service at --address has to know who signs the tokens")
	}
	data, err := os.ReadFile(f.key)
	if err != nil {
		return nil, usage("--key: %w", err)
	}
	key, err := tokens.Parse(data, f.alg, f.kid)
	if err != nil {
		return nil, usage("--key: %w", err)
	}
	claims, err := object([]byte(f.claims))
	if err != nil {
		return nil, usage("--claims: %w", err)
	}
	return &load.Mix{HTTP: described, Key: key, Claims: claims, Users: f.users, Fresh: f.fresh, Bad: f.bad, Now: now}, nil
}
