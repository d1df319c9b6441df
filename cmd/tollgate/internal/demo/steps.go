package demo

import (
	"crypto/rand"
	"errors"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// Step is one request of the tour and the answer that it must get.
type Step struct {
	Name   string
	Method string
	Path   string
	Header map[string]string
	// Token gives the bearer token, nil for none.
	Token func(Mint) (string, error)
	// Before is how often the same is sent first, and allowed.
	Before int

	Status int
	Reason authz.Reason // as the client sees it; "" when the request is allowed
	Exact  authz.Reason // as log and metrics have it; "" when it is the same
	// Received is what the upstream must have got: header values by name, ""
	// for a header that must not arrive.
	Received map[string]string
	Told     []string // headers that the client must have got
	Note     string   // what is worth seeing in it
}

// Mint signs a token for subject with claims beside the usual ones.
type Mint func(subject string, claims map[string]any) (string, error)

// Steps is the tour. Its order tells a story; a step stands alone all the same.
func Steps() []Step {
	return []Step{
		{
			Name: "allowed", Method: "GET", Path: "/orders/7?page=2", Status: 200,
			Token:    alice(map[string]any{"scope": "orders:read"}),
			Header:   map[string]string{"x-tollgate-subject": "mallory", "x-tollgate-admin": "true"},
			Received: map[string]string{"x-tollgate-subject": "alice", "x-tollgate-api": "orders", "x-tollgate-admin": ""},
			Note:     "the upstream learns who calls; the x-tollgate-* headers that the client forged are gone",
		},
		{
			Name: "no token", Method: "GET", Path: "/orders/7",
			Status: 401, Reason: authz.TokenMissing,
		},
		{
			Name: "public route", Method: "GET", Path: "/orders/health", Status: 200,
			Header:   map[string]string{"x-tollgate-subject": "mallory"},
			Received: map[string]string{"x-tollgate-subject": ""},
			Note:     "needs no token and hands on no identity",
		},
		{
			Name: "expired", Method: "GET", Path: "/orders/7",
			Token:  alice(map[string]any{"iat": 1577833200, "exp": 1577836800}),
			Status: 401, Reason: authz.TokenExpired,
		},
		{
			Name: "bad signature", Method: "GET", Path: "/orders/7", Token: forged(),
			Status: 401, Reason: authz.TokenInvalid, Exact: authz.SignatureInvalid,
			Note: "the client is told no more than that; the log has the exact reason",
		},
		{
			Name: "wrong audience", Method: "GET", Path: "/orders/7",
			Token:  alice(map[string]any{"aud": "billing"}),
			Status: 401, Reason: authz.AudienceRefused,
		},
		{
			Name: "missing scope", Method: "POST", Path: "/orders",
			Token:  alice(map[string]any{"scope": "orders:read"}),
			Status: 403, Reason: authz.ScopeInsufficient,
			Note: "POST /orders wants orders:write",
		},
		{
			Name: "scope granted", Method: "POST", Path: "/orders", Status: 200,
			Token:    alice(map[string]any{"scope": "orders:read orders:write"}),
			Received: map[string]string{"x-tollgate-scopes": "orders:read,orders:write"},
		},
		{
			Name: "path not granted", Method: "DELETE", Path: "/orders/7",
			Token:  alice(map[string]any{"scope": "orders:write"}),
			Status: 403, Reason: authz.AccessRefused,
			Note: "no policy of alice grants DELETE",
		},
		{
			Name: "rate limited", Method: "GET", Path: "/orders/7", Before: 2,
			Token:  somebody("slow"),
			Status: 429, Reason: authz.RateLimited, Told: []string{"retry-after", "x-ratelimit-limit", "x-ratelimit-remaining"},
			Note: "policy slow admits 2 requests in 10 minutes; nobody else shares them",
		},
		{
			Name: "quota", Method: "GET", Path: "/orders/7", Before: 3,
			Token:  somebody("trial"),
			Status: 429, Reason: authz.QuotaExceeded, Told: []string{"retry-after", "x-ratelimit-limit", "x-ratelimit-reset"},
			Note: "policy trial has 3 requests a day",
		},
		{
			Name: "no such API", Method: "GET", Path: "/nowhere",
			Token:  alice(nil),
			Status: 404, Reason: authz.APIUnknown,
		},
	}
}

// alice is a token of hers with further claims.
func alice(claims map[string]any) func(Mint) (string, error) {
	return func(mint Mint) (string, error) { return mint("alice", claims) }
}

// somebody is a caller whom nobody has counted yet, under a policy.
func somebody(policy string) func(Mint) (string, error) {
	name := policy + "-" + rand.Text()
	return func(mint Mint) (string, error) { return mint(name, map[string]any{"pol": policy}) }
}

// forged is a token whose claims were exchanged under a good signature.
func forged() func(Mint) (string, error) {
	return func(mint Mint) (string, error) {
		good, err := mint("bob", nil)
		if err != nil {
			return "", err
		}
		other, err := mint("alice", nil)
		if err != nil {
			return "", err
		}
		at, end := strings.LastIndexByte(good, '.'), strings.LastIndexByte(other, '.')
		if at < 0 || end < 0 {
			return "", errors.New("the issuer gave no compact token")
		}
		return other[:end] + good[at:], nil
	}
}
