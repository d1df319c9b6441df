package authz

import (
	"slices"
	"strconv"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// shortSecret is the shortest HMAC secret that fits one algorithm (RFC 7518
// section 3.2).
const shortSecret = 32

// keyCompiler turns the entries of keys into verification keys.
type keyCompiler struct {
	a      *api
	listed []jws.Alg // the algorithms of the file, empty for all
	usable map[jws.Alg]bool
	static []*keyset.Key
	failed bool // a key cannot be read: what it could verify is not known
	p      *problems
}

// parts takes joined errors apart, so that each is a problem of its own.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// refuse notes that a key cannot be used.
func (c *keyCompiler) refuse(at, what string) {
	c.failed = true
	c.p.add(at, what, "")
}

// compile takes one entry, of exactly one kind.
func (c *keyCompiler) compile(k *KeySpec, base string) {
	kinds := 0
	for _, set := range [...]bool{k.JWKS != "", k.Discover != "", k.Secret != nil, k.PEM != nil, k.JWK != nil, k.Credentials} {
		if set {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		c.refuse(base, "a key is one of jwks, discover, secret, pem, jwk and credentials")
	case k.JWKS != "" || k.Discover != "":
		c.remote(k, base)
	case k.Secret != nil:
		c.secret(k, base)
	case k.PEM != nil:
		key, err := keyset.ParsePEM(k.PEM, c.binding(k, "pem"))
		if err != nil {
			c.refuse(at(base, "pem"), err.Error())
			return
		}
		c.keep(base, key)
	case k.JWK != nil:
		keys, unusable, err := keyset.ParseJWK(k.JWK, c.binding(k, "jwk"))
		if err != nil {
			c.refuse(at(base, "jwk"), err.Error())
			return
		}
		for _, u := range unusable {
			c.p.warn(at(base, "jwk"), "key "+strconv.Itoa(u.Index)+" of the document is not used: "+u.Why, "")
		}
		c.keep(base, keys...)
	default:
		c.a.byCred = true
		c.use(base, jws.Algs())
	}
}

func (c *keyCompiler) binding(k *KeySpec, source string) keyset.Binding {
	return keyset.Binding{
		Issuer: issuerOf(k), ID: k.Kid, HasID: k.Kid != "", Source: source,
		ShortSecret: k.InsecureShortSecret || c.a.spec.Tyk,
	}
}

func (c *keyCompiler) secret(k *KeySpec, base string) {
	key, err := keyset.NewSecret(k.Secret, c.binding(k, "secret"))
	if err != nil {
		c.refuse(at(base, "secret"), err.Error())
		return
	}
	if len(k.Secret) < shortSecret && !k.InsecureShortSecret {
		c.p.warn(at(base, "secret"), "is shorter than its hash: anyone who holds a token can guess it", "at least 32 random bytes")
	}
	c.keep(base, key)
}

// remote checks a set that is started later. Providers publish no secrets, so
// HS* are never theirs.
func (c *keyCompiler) remote(k *KeySpec, base string) {
	if k.Discover != "" && k.Issuer != "" && k.Issuer != k.Discover {
		c.p.add(at(base, "issuer"), "discover is bound to its own issuer", "leave issuer out")
	}
	if c.a.spec.Tyk && isHTTP(k) {
		c.p.warn(base, "keys are fetched over plain http: whoever is on the way can replace them", "https")
	}
	if err := c.a.remoteOptions(k).Validate(); err != nil {
		for _, one := range parts(err) {
			c.refuse(base, one.Error())
		}
		return
	}
	c.use(base, slices.DeleteFunc(jws.Algs(), func(a jws.Alg) bool { return a.Family() == jws.HMAC }))
}

func (c *keyCompiler) keep(base string, keys ...*keyset.Key) {
	c.static = append(c.static, keys...)
	c.use(base, slices.DeleteFunc(jws.Algs(), func(alg jws.Alg) bool {
		return !slices.ContainsFunc(keys, func(k *keyset.Key) bool { return k.Fits(alg) })
	}))
}

// use notes what a key can verify. A key that no listed algorithm can use is a
// mistake of the file.
func (c *keyCompiler) use(base string, algorithms []jws.Alg) {
	used := len(c.listed) == 0
	for _, alg := range algorithms {
		c.usable[alg] = true
		used = used || slices.Contains(c.listed, alg)
	}
	if !used {
		c.p.soften(c.a.spec.Definition != nil, Problem{
			At: base, What: "none of the listed algorithms can use this key", Instead: "an algorithm of its type under algorithms",
		})
	}
}
