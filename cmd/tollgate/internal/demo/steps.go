package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
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
	Token Bearer
	// Before is how often the same is sent first, and allowed.
	Before int

	Status int
	Reason authz.Reason // as the client sees it; "" when the request is allowed
	Exact  authz.Reason // as log and metrics have it; "" when it is the same
	// Received is what the upstream must have got: header values by name, ""
	// for a header that must not arrive.
	Received map[string]string
	// Joined: the client sends a half, and the upstream must have got the whole
	// token that it belongs to.
	Joined bool
	Told   []string // headers that the client must have got
	Note   string   // what is worth seeing in it
}

// Mint signs a token for subject with claims beside the usual ones.
type Mint func(subject string, claims map[string]any) (string, error)

// Bearer gives the token of a step, when the step is taken.
type Bearer func(ctx context.Context, t *Tour) (string, error)

// Steps is the tour. Its order tells a story; a step stands alone all the same.
func Steps() []Step {
	return slices.Concat(tokenSteps(), rightsSteps(), limitSteps(), keySteps(), splitSteps())
}

// tokenSteps are about tokens that an issuer signs.
func tokenSteps() []Step {
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
			Name: "no such API", Method: "GET", Path: "/nowhere",
			Token:  alice(nil),
			Status: 404, Reason: authz.APIUnknown,
		},
	}
}

// rightsSteps are about what a good token may do.
func rightsSteps() []Step {
	return []Step{
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
	}
}

// limitSteps are about how often.
func limitSteps() []Step {
	return []Step{
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
	}
}

// keySteps are about holders who sign with a secret of their own.
func keySteps() []Step {
	h := newHolder()
	return []Step{
		{
			Name: "per-key secret", Method: "GET", Path: "/orders/7", Status: 200,
			Token:    h.signs(h.id),
			Received: map[string]string{"x-tollgate-subject": h.id, "x-tollgate-policies": "reader"},
			Note:     "the key was made at the admin API; the token names it by kid, its own sub and pol count for nothing",
		},
		{
			Name: "near-miss key id", Method: "GET", Path: "/orders/7",
			Token:  h.signs(h.id[:len(h.id)-1]),
			Status: 401, Reason: authz.TokenInvalid, Exact: authz.KeyUnknown,
			Note: "the same secret, one character less of the id",
		},
	}
}

// splitSteps are about tokens of which the client holds a half.
func splitSteps() []Step {
	return []Step{
		{
			Name: "split token", Method: "GET", Path: "/orders/7", Status: 200, Joined: true,
			Token: func(ctx context.Context, t *Tour) (string, error) { return t.half(ctx) },
			Note:  "the store has the other half, sealed; only the gate can join them",
		},
		{
			Name: "revoked", Method: "GET", Path: "/orders/7",
			Token:  revokedHalf,
			Status: 401, Reason: authz.TokenUnknown,
			Note: "its client ended it at /revoke",
		},
		{
			Name: "revoked, whole", Method: "GET", Path: "/orders/7",
			Token:  revokedWhole,
			Status: 401, Reason: authz.TokenRevoked,
			Note: "with a half ends the JWT inside it, for whoever has seen it",
		},
	}
}

// alice is a token of hers with further claims.
func alice(claims map[string]any) Bearer {
	return func(_ context.Context, t *Tour) (string, error) { return t.Mint("alice", claims) }
}

// somebody is a caller whom nobody has counted yet, under a policy.
func somebody(policy string) Bearer {
	name := policy + "-" + rand.Text()
	return func(_ context.Context, t *Tour) (string, error) { return t.Mint(name, map[string]any{"pol": policy}) }
}

// forged is a token whose claims were exchanged under a good signature.
func forged() Bearer {
	return func(_ context.Context, t *Tour) (string, error) {
		good, err := t.Mint("bob", nil)
		if err != nil {
			return "", err
		}
		other, err := t.Mint("alice", nil)
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
