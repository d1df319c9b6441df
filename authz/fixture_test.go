package authz

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

// noon is the time of most tests.
func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

// request is a Request of values.
type request struct {
	line    Line
	headers [][2]string
}

func (r *request) Line() Line { return r.line }

func (r *request) Header(name string, nth int) (string, bool) {
	for _, h := range r.headers {
		if h[0] != name {
			continue
		}
		if nth == 0 {
			return h[1], true
		}
		nth--
	}
	return "", false
}

func (r *request) Names(yield func(string) bool) {
	for _, h := range r.headers {
		if !yield(h[0]) {
			return
		}
	}
}

// get asks for a path of api.example.com with header lines "name: value".
func get(target string, headers ...string) *request {
	r := &request{line: Line{Method: "GET", Scheme: "https", Host: "api.example.com", Target: target}}
	return r.with(headers...)
}

func (r *request) with(headers ...string) *request {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.headers = append(r.headers, [2]string{strings.ToLower(name), value})
	}
	return r
}

// signer makes tokens of one key.
type signer struct {
	alg     string
	private crypto.PrivateKey
	secret  []byte
}

// keys are one signer an algorithm, made once a process.
var keys = sync.OnceValue(func() map[string]*signer {
	out := map[string]*signer{}
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		out[alg] = &signer{alg: alg, private: rsaKey}
	}
	out["ES256"] = &signer{alg: "ES256", private: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	out["ES384"] = &signer{alg: "ES384", private: must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))}
	out["ES512"] = &signer{alg: "ES512", private: must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(ed, err)
	out["EdDSA"] = &signer{alg: "EdDSA", private: ed}
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		out[alg] = &signer{alg: alg, secret: []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")}
	}
	return out
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// pem is the public key.
func (s *signer) pem() []byte {
	public := s.private.(crypto.Signer).Public()
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(public))})
}

// key is the entry of keys that verifies what s signs.
func (s *signer) key() KeySpec {
	if s.secret != nil {
		return KeySpec{Secret: s.secret}
	}
	return KeySpec{PEM: s.pem()}
}

type claims map[string]any

// sign makes a token. Header members may be added or replaced.
func (s *signer) sign(payload any, header ...map[string]any) string {
	head := map[string]any{"alg": s.alg, "typ": "JWT"}
	for _, h := range header {
		maps.Copy(head, h)
	}
	for name, value := range head {
		if value == nil {
			delete(head, name)
		}
	}
	text, ok := payload.(string)
	if !ok {
		text = string(must(json.Marshal(payload)))
	}
	signed := b64(must(json.Marshal(head))) + "." + b64([]byte(text))
	return signed + "." + b64(s.signature([]byte(signed)))
}

func (s *signer) signature(text []byte) []byte {
	if s.alg == "EdDSA" {
		return ed25519.Sign(s.private.(ed25519.PrivateKey), text)
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[s.alg[2:]]
	if s.secret != nil {
		mac := hmac.New(hash.New, s.secret)
		mac.Write(text)
		return mac.Sum(nil)
	}
	h := hash.New()
	h.Write(text)
	digest := h.Sum(nil)
	switch s.alg[:2] {
	case "RS":
		return must(rsa.SignPKCS1v15(rand.Reader, s.private.(*rsa.PrivateKey), hash, digest))
	case "PS":
		return must(rsa.SignPSS(rand.Reader, s.private.(*rsa.PrivateKey), hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	}
	key := s.private.(*ecdsa.PrivateKey)
	r, v, err := ecdsa.Sign(rand.Reader, key, digest)
	must(0, err)
	size := (key.Curve.Params().BitSize + 7) / 8
	return append(r.FillBytes(make([]byte, size)), v.FillBytes(make([]byte, size))...)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// good are the claims of a token that the standard API lets through.
func good(changes ...claims) claims {
	out := claims{
		"iss": "https://issuer.example/", "sub": "alice", "aud": "orders",
		"exp": noon().Add(time.Hour).Unix(), "iat": noon().Add(-time.Minute).Unix(),
	}
	for _, change := range changes {
		maps.Copy(out, change)
	}
	for name, value := range out {
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// standard is one API "orders" under api.example.com/orders with an HS256 key and
// one policy that grants everything on it.
func standard(changes ...func(*Spec)) Spec {
	spec := Spec{
		APIs: []APISpec{{
			ID: "orders", Match: []MatchSpec{{Host: "api.example.com", Path: "/orders"}},
			Keys: []KeySpec{keys()["HS256"].key()}, Algorithms: nil,
			Policies: policies.SelectorSpec{Default: []string{"basic"}},
		}},
		Policies: []policies.Spec{{
			ID: "basic", Access: []policies.AccessSpec{{API: "orders", All: true}},
			Meta: map[string]string{"plan": "basic"}, Tags: []string{"retail"},
		}},
	}
	for _, change := range changes {
		change(&spec)
	}
	return spec
}

// api changes the standard API.
func onAPI(change func(*APISpec)) func(*Spec) {
	return func(s *Spec) { change(&s.APIs[0]) }
}

// engine compiles and swaps a specification in.
func engine(tb testing.TB, spec Spec, options ...Options) *Engine {
	tb.Helper()
	o := Options{Now: noon, Replica: "test", CacheBytes: 1 << 20}
	if len(options) > 0 {
		o = options[0]
		if o.Now == nil {
			o.Now = noon
		}
	}
	e := New(o)
	tb.Cleanup(e.Close)
	load(tb, e, spec)
	return e
}

func load(tb testing.TB, e *Engine, spec Spec) *Snapshot {
	tb.Helper()
	snap, found := e.Compile(context.Background(), spec)
	if snap == nil {
		tb.Fatalf("the specification has problems: %v", texts(found))
	}
	e.Swap(snap)
	return snap
}

func texts(list []Problem) []string {
	var out []string
	for _, p := range list {
		kind := "error"
		if p.Warning {
			kind = "warning"
		}
		out = append(out, fmt.Sprintf("%s %s: %s", kind, p.At, p.What))
	}
	return out
}

// decide asks twice, so that every test sees the cached answer, too.
func decide(tb testing.TB, e *Engine, req Request) Answer {
	tb.Helper()
	first := e.Decide(context.Background(), req)
	second := e.Decide(context.Background(), req)
	explained, trace := e.Explain(context.Background(), req, noon())
	for _, other := range []Answer{second, explained} {
		if a, b := shape(first), shape(other); a != b {
			tb.Errorf("the same request twice:\n%s\n%s", a, b)
		}
	}
	if len(trace.Steps()) == 0 {
		tb.Error("explain has no steps")
	}
	return first
}

// shape is an answer as text without what differs by decision.
func shape(a Answer) string {
	text := fmt.Sprintf("%+v", a)
	return strings.ReplaceAll(text, a.ID, "ID")
}

func edit(a Answer, name string) (Edit, bool) {
	i := slices.IndexFunc(a.Edits, func(e Edit) bool { return e.Name == name })
	if i < 0 {
		return Edit{}, false
	}
	return a.Edits[i], true
}

func header(a Answer, name string) string {
	var values []string
	for _, h := range a.Headers {
		if h.Name == name {
			values = append(values, h.Value)
		}
	}
	return strings.Join(values, " | ")
}

func bearerOf(token string) string { return "Authorization: Bearer " + token }
