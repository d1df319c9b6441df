package tyk

import (
	"encoding/base64"
	"encoding/pem"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tollgate-authz/tollgate/authz"
)

// family is what a signing method allows.
type family struct {
	name       string
	algorithms []string
}

var families = []family{
	{"hmac", []string{"HS256", "HS384", "HS512"}},
	{"rsa", []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}},
	{"ecdsa", []string{"ES256", "ES384", "ES512"}},
}

// familyOf reads a signing method. Tyk takes whatever it does not know as HMAC;
// with a public key as the secret that would be a hole, so source refuses it.
func familyOf(v value) (f family, known bool) {
	name := v.text()
	for _, f := range families {
		if f.name == name {
			return f, true
		}
	}
	return families[0], false
}

// isURL is how Tyk tells a URL.
func isURL(text string) bool {
	head := strings.ToLower(text[:min(len(text), 8)])
	return strings.HasPrefix(head, "http://") || strings.HasPrefix(head, "https://")
}

// references are the forms that Tyk, or its documentation, has for values that
// stand elsewhere.
var (
	resolvable = []string{"env://", "file://", "vault://", "consul://"}
	reported   = []string{"secrets://", "kv://", "$kv{", "$secret_"}
	keyMarks   = regexp.MustCompile(`-----BEGIN |^\s*\{`)
)

func hasPrefix(text string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

// keys gives the keys of a definition and the algorithms that they may verify.
func (d *definition) keys(resolve Resolve) (keys []authz.KeySpec, algorithms []string) {
	f, known := familyOf(d.method)
	if !known {
		d.method.note("method-unknown", "the signing method "+shown(d.method.text())+" is not known, and Tyk takes it as hmac", "hmac, rsa or ecdsa")
	}
	switch {
	case len(d.jwks) > 0 && !d.jwksIgnored:
		if d.source.there() && d.source.text() != "" {
			d.source.note("source-ignored", "it is not read, since jwksURIs is there too", "")
		}
		for _, u := range d.jwks {
			keys = append(keys, d.remote(u.url, u.url.text(), u))
		}
	case d.source.there() && d.source.text() != "":
		if key, ok := d.static(f, known, resolve); ok {
			keys = append(keys, key)
		}
	case !d.jwksIgnored:
		keys = append(keys, authz.KeySpec{Credentials: true})
	}
	if d.jwksIgnored && len(d.jwks) > 0 {
		d.jwks[0].url.note("jwks-classic", "Tyk does not read key sets of a Classic definition, and neither is it done here",
			"put the URL into jwt_source, or use an OAS definition")
	}
	if len(keys) > 0 && keys[0].JWKS != "" && !known {
		f = family{algorithms: append(append([]string(nil), families[1].algorithms...), families[2].algorithms...)}
	}
	return keys, f.algorithms
}

// remote is a key set by URL.
func (d *definition) remote(at value, url string, u jwksURI) authz.KeySpec {
	if !isURL(url) {
		at.wrong("it is no http or https URL", "https://issuer.example/keys")
	}
	return authz.KeySpec{JWKS: url, Remote: authz.RemoteSpec{Refresh: u.timeout, InsecureHTTP: strings.HasPrefix(strings.ToLower(url), "http://")}}
}

// static reads source in all its forms: a URL, or base64 of a URL, of a reference
// or of the key itself.
func (d *definition) static(f family, known bool, resolve Resolve) (authz.KeySpec, bool) {
	text := d.source.text()
	if isURL(text) {
		return d.remote(d.source, text, jwksURI{}), true
	}
	raw := []byte(text)
	if !hasPrefix(text, resolvable) && !hasPrefix(text, reported) {
		decoded, err := base64.StdEncoding.DecodeString(text) // skips line ends, as Tyk does
		if err != nil {
			d.source.wrong("it is neither a URL nor base64, so that no token can verify", "base64 of a secret, a public key, or a URL")
			return authz.KeySpec{}, false
		}
		raw = decoded
	}
	inner := string(raw)
	switch {
	case (isURL(inner) || hasPrefix(inner, resolvable)) && !utf8.Valid(raw):
		d.source.wrong("it is base64 of a URL or reference with bytes that are no text", "base64 of a secret, a public key, or a URL")
		return authz.KeySpec{}, false
	case isURL(inner):
		return d.remote(d.source, inner, jwksURI{}), true
	case hasPrefix(inner, reported):
		d.source.wrong("references of this form are not resolved here", "env://NAME, file://PATH, vault://path#field or consul://key")
		return authz.KeySpec{}, false
	case hasPrefix(inner, resolvable):
		d.reference = inner
		resolved, err := resolve(inner)
		if err != nil {
			d.source.wrong("the reference cannot be resolved: "+err.Error(), "a reference that can be resolved")
			return authz.KeySpec{}, false
		}
		raw = resolved
	}
	return d.material(f, known, raw)
}

// material is a secret or a public key.
func (d *definition) material(f family, known bool, raw []byte) (authz.KeySpec, bool) {
	if f.name != "hmac" {
		return authz.KeySpec{PEM: raw}, true
	}
	if len(raw) == 0 {
		d.source.wrong("the secret is empty", "base64 of a secret")
		return authz.KeySpec{}, false
	}
	if block, _ := pem.Decode(raw); block != nil || keyMarks.Match(raw) {
		what := "a key or a key set is given as the HMAC secret: whoever has it could sign tokens"
		if !known {
			d.method.wrong("it is not known, and "+what, "rsa or ecdsa")
		} else {
			d.source.wrong(what, "the secret, or signing method rsa or ecdsa")
		}
		return authz.KeySpec{}, false
	}
	return authz.KeySpec{Secret: raw}, true // short ones verify with a warning (contract section 5)
}
