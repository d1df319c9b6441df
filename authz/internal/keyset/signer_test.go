package keyset

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// signer is a private key of a provider in tests.
type signer struct {
	kid     string
	private ed25519.PrivateKey
}

func newSigner(kid string) signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return signer{kid: kid, private: private}
}

func b64(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// jwk is the public half; more members are appended as they are.
func (s signer) jwk(more ...string) string {
	public := s.private.Public().(ed25519.PublicKey)
	return `{"kty":"OKP","crv":"Ed25519","kid":"` + s.kid + `","x":"` + b64(public) + `"` + strings.Join(more, "") + `}`
}

func set(jwks ...string) string { return `{"keys":[` + strings.Join(jwks, ",") + `]}` }

// token is signed by s and names its kid.
func (s signer) token(t *testing.T, claims string) *jws.Token {
	t.Helper()
	return parse(t, s.mint(`{"alg":"EdDSA","kid":"`+s.kid+`"}`, claims))
}

func (s signer) mint(header, claims string) string {
	signed := b64([]byte(header)) + "." + b64([]byte(claims))
	return signed + "." + b64(ed25519.Sign(s.private, []byte(signed)))
}

func parse(t *testing.T, raw string) *jws.Token {
	t.Helper()
	token, err := jws.Parse(raw, 0)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// query is what the engine asks for a token.
func query(token *jws.Token) *Query {
	q := &Query{Alg: token.Alg, Kid: token.Kid, HasKid: token.HasKid}
	if iss := token.Claims.Get("iss"); iss.Kind() == jws.String {
		q.Issuer, q.HasIssuer = iss.Text(), true
	}
	return q
}

// verified says whether a key that set finds at hand signed the token.
func verified(s Set, token *jws.Token) bool {
	keys, err := s.Find(nil, query(token))
	return err == nil && anyVerifies(keys, token)
}

func anyVerifies(keys []*Key, token *jws.Token) bool {
	for _, k := range keys {
		if token.Verify(k.Key) == nil {
			return true
		}
	}
	return false
}

// remoteOf is a set that holds a document without any fetching.
func remoteOf(t *testing.T, document, issuer string) *Remote {
	t.Helper()
	r := newRemote(Options{URL: "https://issuer.example/keys", Issuer: issuer}.whole(), PoolConfig{})
	entries, err := readSet(document, r.binding())
	if err != nil {
		return r
	}
	_, keys := describe(entries)
	r.at.Store(&hold{index: newIndex(keys), generation: 1})
	return r
}
