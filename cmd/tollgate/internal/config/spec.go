package config

import (
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// spec turns a file with its fragments into what the engine compiles.
func spec(f *File) authz.Spec {
	s := authz.Spec{
		Unmatched: authz.Unmatched(f.InsecureUnmatched),
		Answers: authz.AnswersSpec{
			FullReasons:      f.Answers.Reasons == "full",
			Realm:            f.Answers.Realm.Text(),
			ResourceMetadata: f.Answers.ResourceMetadata.Text(),
		},
		Token: authz.TokenSpec{MaxBytes: int(f.Token.MaxBytes)},
		Limits: authz.LimitsSpec{
			Mode:        authz.LimitMode(f.Limits.Mode),
			OnRate:      authz.StoreFailure(f.Limits.OnStoreFailure.Rate),
			OnQuota:     authz.StoreFailure(f.Limits.OnStoreFailure.Quota),
			Headers:     strings.Join(f.Limits.Headers, ","),
			TrustedHops: f.Limits.TrustedHops,
		},
		Revocation: authz.RevocationSpec{
			StaleAfter:       time.Duration(f.Revocation.StaleAfter),
			SplitAllow:       f.Revocation.OnStale.Split == "allow",
			CredentialsAllow: f.Revocation.OnStale.Credentials == "allow",
			PlainDeny:        f.Revocation.OnStale.Plain == "deny",
		},
		APIs:     make([]authz.APISpec, 0, len(f.APIs)),
		Policies: make([]policies.Spec, 0, len(f.Policies)),
	}
	for i := range f.APIs {
		s.APIs = append(s.APIs, apiSpec(&f.APIs[i]))
	}
	for i := range f.Policies {
		s.Policies = append(s.Policies, policySpec(&f.Policies[i]))
	}
	return s
}

func apiSpec(a *API) authz.APISpec {
	s := authz.APISpec{
		ID: a.ID, Name: a.Name, Org: a.Org,
		Inactive: !a.Active, Observe: a.Mode == "observe", Tyk: a.Compat == "tyk",
		PreflightAllow: a.Preflight == "allow",
		Token:          authz.LocationSpec{Header: a.Token.Header, Query: a.Token.Query, Cookie: a.Token.Cookie, Strip: a.Token.Strip},
		KidRequired:    a.Kid == "required",
		Algorithms:     a.Algorithms,
		Claims:         claimsSpec(&a.Claims),
		Identity:       a.Identity,
		Policies: policies.SelectorSpec{
			Claims: a.Policies.Claims, Default: a.Policies.Default, ScopeClaims: a.Policies.Scopes.Claims,
			Org: a.Org, Tyk: a.Compat == "tyk",
		},
		Split:     authz.SplitSpec{Mode: authz.SplitMode(a.Split.Mode), Headers: a.Split.Upstream == "headers", MaxTTL: time.Duration(a.Split.MaxTTL)},
		InjectSet: a.Inject != nil,
		TykErrors: a.Errors == "tyk",
		Limits: authz.APILimitsSpec{
			Rate: rateSpec(a.Limits.Rate), Mode: authz.LimitMode(a.Limits.Mode),
			OnRate: authz.StoreFailure(a.Limits.OnStoreFailure.Rate), OnQuota: authz.StoreFailure(a.Limits.OnStoreFailure.Quota),
		},
	}
	for _, m := range a.Match {
		s.Match = append(s.Match, authz.MatchSpec{Host: m.Host.Text(), Path: m.Path})
	}
	for _, r := range a.Public {
		s.Public = append(s.Public, authz.RouteSpec{Methods: r.Methods, Path: r.Path})
	}
	for i := range a.Keys {
		s.Keys = append(s.Keys, keySpec(&a.Keys[i]))
	}
	if len(a.Policies.Scopes.Map) > 0 {
		s.Policies.ScopeMap = make(map[string][]string, len(a.Policies.Scopes.Map))
	}
	for _, e := range a.Policies.Scopes.Map {
		s.Policies.ScopeMap[e.Key] = e.Value
	}
	for _, e := range a.Inject {
		s.Inject = append(s.Inject, authz.InjectSpec{Header: e.Key, Template: e.Value.Text()})
	}
	return s
}

func keySpec(k *Key) authz.KeySpec {
	s := authz.KeySpec{
		JWKS: k.JWKS.Text(), Discover: k.Discover.Text(), Secret: authz.Secret(k.Secret.Bytes()),
		Credentials: k.Credentials, Issuer: k.Issuer.Text(), Kid: k.Kid,
		InsecureShortSecret: k.InsecureShortSecret,
		Remote: authz.RemoteSpec{
			Refresh: time.Duration(k.Refresh), Cooldown: time.Duration(k.Cooldown), MaxAge: time.Duration(k.MaxAge),
			CA: string(k.CA), Cert: string(k.Cert), Key: string(k.Key), Proxy: k.Proxy.Text(),
			DenyPrivate: k.DenyPrivate, InsecureHTTP: k.InsecureHTTP,
		},
	}
	if !k.PEM.IsZero() {
		s.PEM = []byte(k.PEM.Text())
	}
	if !k.JWK.IsZero() {
		s.JWK = []byte(k.JWK.Text())
	}
	return s
}

func claimsSpec(c *Claims) authz.ClaimsSpec {
	s := authz.ClaimsSpec{
		Issuers: texts(c.Issuers), Audiences: texts(c.Audiences), Subjects: texts(c.Subjects),
		InsecureAnyAudience: c.InsecureAnyAudience,
		Typ:                 c.Typ, Require: c.Require, InsecureSkip: c.InsecureSkip,
		Skew: authz.SkewSpec{Exp: time.Duration(c.Skew.Exp), Nbf: time.Duration(c.Skew.Nbf), Iat: time.Duration(c.Skew.Iat)},
	}
	for _, r := range c.Rules {
		s.Rules = append(s.Rules, authz.RuleSpec{Claim: r.Claim, Equals: scalars(r.Equals), Contains: scalars(r.Contains), WarnOnly: r.WarnOnly})
	}
	return s
}

func policySpec(p *Policy) policies.Spec {
	s := policies.Spec{
		ID: p.ID, Inactive: !p.Active, RequireScopes: p.RequireScopes,
		Rate: rateSpec(p.Rate), Quota: quotaSpec(p.Quota), PerAPI: p.PerAPI, Tags: texts(p.Tags),
	}
	for _, a := range p.Access {
		access := policies.AccessSpec{API: a.Key, All: a.Value.Allow.All}
		for _, e := range a.Value.Allow.Entries {
			access.Allow = append(access.Allow, policies.AllowSpec{
				Methods: e.Methods, Path: e.Path, RequireScopes: e.RequireScopes, Rate: rateSpec(e.Rate),
			})
		}
		s.Access = append(s.Access, access)
	}
	if len(p.Meta) > 0 {
		s.Meta = make(map[string]string, len(p.Meta))
	}
	for _, e := range p.Meta {
		s.Meta[e.Key] = e.Value.Text()
	}
	return s
}

func rateSpec(r *Rate) *policies.Rate {
	if r == nil {
		return nil
	}
	return &policies.Rate{Requests: r.Requests, Per: time.Duration(r.Per), Burst: r.Burst, Algorithm: policies.Algorithm(r.Algorithm)}
}

func quotaSpec(q *Quota) *policies.Quota {
	if q == nil {
		return nil
	}
	return &policies.Quota{Requests: q.Requests, Per: time.Duration(q.Per), Anchor: policies.Anchor(q.Anchor), Zone: q.Zone}
}

// texts gives the values of a list, nil for nil.
func texts(list []Value) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Text()
	}
	return out
}

// scalars gives the values of a list of a claim rule, nil for nil.
func scalars(list []Scalar) []any {
	if list == nil {
		return nil
	}
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = v.Value
	}
	return out
}
