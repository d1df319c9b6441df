package authz

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// compileKeys makes the static keys of an API and checks the remote ones, which
// are started once the whole specification is good.
func (a *api) compileKeys(base string, p *problems) {
	a.checkBinding(base, p)
	a.checkAudience(base, p)
	algorithms := a.listed(base, p)
	c := &keyCompiler{a: a, listed: algorithms, usable: map[jws.Alg]bool{}, p: p}
	for i := range a.spec.Keys {
		c.compile(&a.spec.Keys[i], at(base, "keys", i))
	}
	foreign := a.spec.Definition != nil
	if len(a.spec.Keys) == 0 && !a.spec.Inactive {
		p.soften(foreign, Problem{
			At: at(base, "keys"), What: "an API needs at least one key",
			Instead: "{jwks: https://issuer.example/keys, issuer: https://issuer.example/}",
		})
	}
	for _, alg := range jws.Algs() {
		switch {
		case foreign: // its signing method is a family; whether the key fits is another question
			if slices.Contains(algorithms, alg) {
				a.algorithms = append(a.algorithms, alg)
			}
		case len(algorithms) == 0 && c.usable[alg]:
			a.algorithms = append(a.algorithms, alg)
		case slices.Contains(algorithms, alg) && c.usable[alg]:
			a.algorithms = append(a.algorithms, alg)
		case slices.Contains(algorithms, alg) && len(a.spec.Keys) > 0 && !c.failed:
			i := slices.Index(a.spec.Algorithms, string(alg))
			p.add(at(base, "algorithms", i), "no key of this API can use "+string(alg), "")
		}
	}
	a.keys = keyset.NewStatic(c.static...)
}

// listed reads the algorithms of the file.
func (a *api) listed(base string, p *problems) []jws.Alg {
	var out []jws.Alg
	for i, name := range a.spec.Algorithms {
		alg, ok := jws.ParseAlg(name)
		if !ok {
			instead := ""
			for _, known := range jws.Algs() {
				if strings.EqualFold(string(known), name) {
					instead = string(known)
				}
			}
			p.add(at(base, "algorithms", i), "is no signature algorithm", instead)
			continue
		}
		out = append(out, alg)
	}
	return out
}

// checkBinding: once one key speaks for an issuer, every key must say for whom
// it speaks, or an issuer's key could vouch for another's tokens.
func (a *api) checkBinding(base string, p *problems) {
	bound := slices.ContainsFunc(a.spec.Keys, func(k KeySpec) bool {
		return k.Discover != "" || (k.Issuer != "" && k.Issuer != IssuerAny)
	})
	if !bound {
		return
	}
	for i := range a.spec.Keys {
		k := &a.spec.Keys[i]
		if k.Issuer == "" && k.Discover == "" && !k.Credentials {
			p.add(at(base, "keys", i), "another key of this API is bound to an issuer, so this one must say whose tokens it verifies", "issuer: any, or the issuer")
		}
	}
}

// checkAudience: a provider signs tokens for many services.
func (a *api) checkAudience(base string, p *problems) {
	c := &a.spec.Claims
	if len(c.Audiences) > 0 {
		if c.InsecureAnyAudience {
			p.warn(at(base, "claims", "insecure_any_audience"), "has no effect beside audiences", "")
		}
		return
	}
	remote := slices.ContainsFunc(a.spec.Keys, func(k KeySpec) bool { return k.JWKS != "" || k.Discover != "" })
	if remote && !c.InsecureAnyAudience {
		p.soften(a.spec.Tyk, Problem{
			At:      at(base, "claims", "audiences"),
			What:    "an API with jwks or discover must name its audience: the provider signs tokens for others, too",
			Instead: "audiences: [" + a.spec.ID + "], or insecure_any_audience: true",
		})
	}
}

// start joins the running remote sets of an API to its static keys.
func (a *api) start(lease *keyset.Lease, p *problems) {
	for i := range a.spec.Keys {
		k := &a.spec.Keys[i]
		if k.JWKS == "" && k.Discover == "" {
			continue
		}
		remote, err := lease.Remote(a.remoteOptions(k))
		if err != nil {
			p.add(at("/apis", int(a.index), "keys", i), err.Error(), "")
			continue
		}
		a.remotes = append(a.remotes, remote)
	}
	if static, ok := a.keys.(*keyset.Static); ok && len(a.remotes) > 0 {
		a.keys = keyset.NewUnion(static, a.remotes...)
	}
}

func (a *api) remoteOptions(k *KeySpec) keyset.Options {
	r := &k.Remote
	o := keyset.Options{
		URL: k.JWKS, Discover: k.Discover, Issuer: issuerOf(k),
		Refresh: r.Refresh, Cooldown: r.Cooldown, MaxAge: r.MaxAge,
		CA: r.CA, Cert: r.Cert, Key: r.Key, Proxy: r.Proxy,
		DenyPrivate: r.DenyPrivate, InsecureHTTP: r.InsecureHTTP,
	}
	if a.spec.Tyk && isHTTP(k) {
		o.InsecureHTTP = true // a warning there (contract section 5)
	}
	return o
}

// issuerOf is the issuer that a key is bound to, "" for any. Discovery binds by
// itself.
func issuerOf(k *KeySpec) string {
	if k.Issuer == IssuerAny || k.Discover != "" {
		return ""
	}
	return k.Issuer
}

func isHTTP(k *KeySpec) bool {
	u, err := url.Parse(k.JWKS + k.Discover)
	return err == nil && strings.EqualFold(u.Scheme, "http")
}
