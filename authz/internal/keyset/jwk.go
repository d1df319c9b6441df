package keyset

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwk"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

const (
	whyPrivate = "is a private key, published: whoever read it can sign"
	whySecret  = "is a secret, published: secrets come from the configuration only"
)

// entry reads one JWK (RFC 7517 section 4). Members that it does not know are
// ignored; those it knows must be as the RFC has them.
func (r *reader) entry(o jws.Object) entry {
	e := entry{}
	kid := o.Get("kid")
	if kid.Kind() == jws.String {
		e.id = kid.Text()
	}
	if e.why = checkPurpose(o); e.why != "" {
		return e
	}
	alg := o.Get("alg")
	if alg.Kind() == jws.String {
		e.alg = jws.Alg(alg.Text())
	}
	material, why := r.material(o)
	if why != "" {
		e.why = why
		return e
	}
	e.about = material.String()
	if alg.Kind() != jws.Absent && !material.Fits(e.alg) {
		e.why = fmt.Sprintf("alg %.30q does not fit a key of type %s", e.alg, e.about)
		return e
	}
	e.key = &Key{
		Key: material, ID: e.id, HasID: kid.Kind() == jws.String, Alg: e.alg,
		Issuer: r.binding.Issuer, Source: r.binding.Source,
	}
	return e
}

// checkPurpose looks at what the key says it is for.
func checkPurpose(o jws.Object) (why string) {
	if kid := o.Get("kid").Kind(); kid != jws.Absent && kid != jws.String {
		return "kid is no text"
	}
	if use := o.Get("use"); use.Kind() != jws.Absent && (use.Kind() != jws.String || use.Text() != "sig") {
		return fmt.Sprintf("use is %.30q, not sig", use.Text())
	}
	if alg := o.Get("alg"); alg.Kind() != jws.Absent {
		if alg.Kind() != jws.String {
			return "alg is no text"
		}
		if _, ok := jws.ParseAlg(alg.Text()); !ok {
			return fmt.Sprintf("alg %.30q is no signature algorithm", alg.Text())
		}
	}
	ops := o.Get("key_ops")
	if ops.Kind() == jws.Absent {
		return ""
	}
	for op := range ops.Items() {
		if op.Kind() == jws.String && op.Text() == "verify" {
			return ""
		}
	}
	return "key_ops does not list verify"
}

// material makes the key itself.
func (r *reader) material(o jws.Object) (*jws.Key, string) {
	kty := o.Get("kty")
	if kty.Kind() != jws.String {
		return nil, "kty is missing or no text"
	}
	var pub crypto.PublicKey
	var why string
	switch kty.Text() {
	case "oct":
		return r.secret(o)
	case "RSA", "EC", "OKP":
		if isPrivate(o) {
			return nil, whyPrivate
		}
		pub, why = public(kty.Text(), o)
	default:
		return nil, fmt.Sprintf("kty %.30q is not supported", kty.Text())
	}
	if why != "" {
		return nil, why
	}
	return checked(jws.NewPublic(pub))
}

func isPrivate(o jws.Object) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth"} {
		if o.Get(name).Kind() != jws.Absent {
			return true
		}
	}
	return false
}

func (r *reader) secret(o jws.Object) (*jws.Key, string) {
	if !r.local {
		return nil, whySecret
	}
	secret, ok := octets(o.Get("k"))
	if !ok {
		return nil, "k is missing or no base64url"
	}
	return checked(r.binding.secret(secret))
}

// checked turns the refusal of a key into a reason.
func checked(key *jws.Key, err error) (*jws.Key, string) {
	if refusal, ok := errors.AsType[*jws.Refusal](err); ok {
		return nil, refusal.Detail
	}
	if err != nil {
		return nil, "cannot be read"
	}
	return key, ""
}

// public reads the public members, or the certificate of a key that has nothing
// else. A certificate beside the members must hold the same key (RFC 7517
// section 4.7); one that cannot be read is ignored there.
func public(kty string, o jws.Object) (crypto.PublicKey, string) {
	chain := o.Get("x5c")
	bare := "n"
	if kty != "RSA" {
		bare = "x"
	}
	if o.Get(bare).Kind() == jws.Absent && chain.Kind() != jws.Absent {
		return certified(kty, chain)
	}
	text, why := members(kty, o)
	if why != "" {
		return nil, why
	}
	parsed, err := jwk.ParseKey(text)
	if err != nil {
		return nil, "cannot be read"
	}
	var pub crypto.PublicKey
	if err := parsed.Raw(&pub); err != nil {
		return nil, "cannot be read"
	}
	if other, why := certified(kty, chain); why == "" {
		same, ok := other.(interface{ Equal(crypto.PublicKey) bool })
		if !ok || !same.Equal(pub) {
			return nil, "x5c holds another key"
		}
	}
	return pub, ""
}

// members gives a JWK of nothing but the checked members of the public key: what
// jwx sees of a foreign document. Sizes are bounded before any arithmetic.
func members(kty string, o jws.Object) (text []byte, why string) {
	crv := o.Get("crv")
	if kty != "RSA" && crv.Kind() != jws.String {
		return nil, "crv is missing or no text"
	}
	var names []string
	size := 0 // of each coordinate
	switch kty + " " + crv.Text() {
	case "EC P-256":
		names, size = []string{"x", "y"}, 32
	case "EC P-384":
		names, size = []string{"x", "y"}, 48
	case "EC P-521":
		names, size = []string{"x", "y"}, 66
	case "OKP Ed25519":
		names, size = []string{"x"}, 32
	default:
		if kty != "RSA" {
			return nil, fmt.Sprintf("crv %.30q is not supported for %s", crv.Text(), kty)
		}
		names = []string{"n", "e"}
	}
	text = fmt.Appendf(nil, `{"kty":%q`, kty)
	if kty != "RSA" {
		text = fmt.Appendf(text, `,"crv":%q`, crv.Text())
	}
	for _, name := range names {
		raw, ok := octets(o.Get(name))
		if !ok {
			return nil, name + " is missing or no base64url"
		}
		if why := checkLength(name, raw, size); why != "" {
			return nil, why
		}
		text = fmt.Appendf(text, `,%q:%q`, name, o.Get(name).Text())
	}
	return append(text, '}'), ""
}

func checkLength(name string, raw []byte, size int) (why string) {
	number := bytes.TrimLeft(raw, "\x00")
	switch {
	case name == "n" && len(number) > 1024:
		return "RSA over 8192 bits"
	case name == "e" && (len(number) == 0 || len(number) > 4):
		return "RSA exponent is 0 or over 32 bits"
	case size > 0 && len(raw) != size:
		return fmt.Sprintf("%s has %d bytes, not %d", name, len(raw), size)
	}
	return ""
}

// octets decodes a base64url member.
func octets(v jws.Value) ([]byte, bool) {
	if v.Kind() != jws.String || v.Text() == "" {
		return nil, false
	}
	raw, err := jws.DecodeSegment(v.Text())
	return raw, err == nil
}
