package authz

import (
	"context"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// keeper is a store that several replicas share, and counts look-ups.
type keeper struct {
	store.Backend
	ring *seal.Keyring
	gets atomic.Int64
	puts atomic.Int64
	down atomic.Bool
	now  atomic.Int64
}

func (k *keeper) Get(ctx context.Context, key store.Key) (store.Record, error) {
	k.gets.Add(1)
	if k.down.Load() {
		return store.Record{}, store.ErrUnavailable
	}
	return k.Backend.Get(ctx, key)
}

func (k *keeper) Put(ctx context.Context, key store.Key, value []byte, w store.Write) (store.Version, error) {
	k.puts.Add(1)
	if k.down.Load() {
		var none store.Version
		return none, store.ErrUnavailable
	}
	return k.Backend.Put(ctx, key, value, w)
}

func (k *keeper) clock() time.Time { return time.Unix(0, k.now.Load()) }

func newKeeper(t testing.TB) *keeper {
	t.Helper()
	k := &keeper{ring: must(seal.New(seal.NewKey("k1")))}
	k.now.Store(noon().UnixNano())
	backend := memory.Open(memory.Options{Now: k.clock})
	t.Cleanup(func() { must(0, backend.Close()) })
	k.Backend = backend
	return k
}

// replica is an engine over the store that has loaded its revocations.
func (k *keeper) replica(t testing.TB, spec Spec) *Engine {
	t.Helper()
	kept := NewKept(KeptOptions{Store: k, Keyring: k.ring, CacheBytes: 1 << 20, Budget: 10 * time.Second, Now: k.clock})
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() { defer close(over); kept.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-over })
	<-kept.Loaded()
	return engine(t, spec, Options{Kept: kept, CacheBytes: 1 << 20, Now: k.clock})
}

// splitting is the standard API for one signer, with split on.
func splitting(s *signer, changes ...func(*Spec)) Spec {
	on := onAPI(func(a *APISpec) { a.Keys, a.Split.Mode = []KeySpec{s.key()}, SplitAllowed })
	return standard(append([]func(*Spec){on}, changes...)...)
}

func halve(t testing.TB, e *Engine, token string) Half {
	t.Helper()
	half, err := e.Split(t.Context(), "orders", token)
	if err != nil {
		t.Fatalf("split: %v", err)
	}
	return half
}

// told is the reason that a credential gets, once.
func told(e *Engine, credential string) Reason {
	return e.Decide(context.Background(), get("/orders", bearerOf(credential))).Reason
}

func TestHalfOfEveryAlgorithm(t *testing.T) {
	lengths := map[string]int{
		"HS256": 43, "HS384": 64, "HS512": 86, "RS256": 342, "RS384": 342, "RS512": 342,
		"PS256": 342, "PS384": 342, "PS512": 342, "ES256": 86, "ES384": 128, "ES512": 176, "EdDSA": 86,
	}
	for alg, length := range lengths {
		t.Run(alg, func(t *testing.T) {
			k, s := newKeeper(t), keys()[alg]
			e := k.replica(t, splitting(s))
			token := s.sign(good())
			half := halve(t, e, token)
			if len(half.Text) != length || strings.Contains(half.Text, ".") || !half.Until.Equal(noon().Add(time.Hour)) {
				t.Fatalf("%d characters until %v; expected %d until the token ends", len(half.Text), half.Until, length)
			}
			for _, replica := range []*Engine{e, k.replica(t, splitting(s))} {
				got := decide(t, replica, get("/orders", bearerOf(half.Text)))
				if got.Outcome != Allow || !slices.Contains(got.Edits, Edit{Name: "authorization", Value: "Bearer " + token}) {
					t.Fatalf("%q: the upstream does not get the whole token", got.Reason)
				}
			}
			for i, spelling := range spellings(s, half.Text) {
				got := e.Decide(t.Context(), get("/orders", bearerOf(spelling)))
				if got.Outcome != Deny || got.Status >= 500 {
					t.Errorf("spelling %d of the half: %v %q", i, got.Outcome, got.Reason)
				}
			}
			k.now.Store(half.Until.UnixNano())
			if why := told(e, half.Text); why != TokenUnknown && why != TokenExpired {
				t.Errorf("after its end: %q", why)
			}
		})
	}
}

// spellings are other texts with the same signature bytes to a lenient reader,
// or with another signature that verifies.
func spellings(s *signer, half string) []string {
	out := []string{
		half + "=", half + "==", half + "===", half + "\n", half + "\r\n", "\n" + half, half[:9] + "\n" + half[9:], " " + half, half + " ",
		half + "\t", "\t" + half, half + "\x00", "\x00" + half, half + ".", "." + half, ".." + half, half + "A", half + "AA", "A" + half,
		half[:len(half)-1], half[1:], half + half, strings.ToUpper(half), strings.ToLower(half), half[:5] + "%2D" + half[6:], half + "%3D",
		half[:7] + " " + half[7:], "\"" + half + "\"", half + ",", half + ";", "Bearer " + half, half[:3] + "\u200b" + half[3:],
		strings.NewReplacer("-", "+", "_", "/").Replace(half) + "+", "eyJhbGciOiJub25lIn0.e30." + half,
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, half[len(half)-1])
	for bits := 1; bits < 16; bits++ { // the unused bits of the last character
		out = append(out, half[:len(half)-1]+string(alphabet[last^bits]))
	}
	if twin := twinOf(s, half); twin != "" {
		out = append(out, twin)
	}
	return slices.DeleteFunc(out, func(text string) bool { return text == half })
}

// twinOf is the other signature of ECDSA that verifies, as a half.
func twinOf(s *signer, half string) string {
	key, ok := s.private.(*ecdsa.PrivateKey)
	if !ok {
		return ""
	}
	raw := must(base64.RawURLEncoding.DecodeString(half))
	size := len(raw) / 2
	order := key.Curve.Params().N
	other := new(big.Int).Sub(order, new(big.Int).SetBytes(raw[size:]))
	return b64(append(slices.Clone(raw[:size]), other.FillBytes(make([]byte, size))...))
}

// Everything that must not be split is refused, and nothing is stored for it.
func TestSplitRefuses(t *testing.T) {
	k, s := newKeeper(t), keys()["HS256"]
	e := k.replica(t, splitting(s, onAPI(func(a *APISpec) {
		a.Keys[0].Issuer = "https://issuer.example/"
		a.Claims.Audiences, a.Claims.Require = []string{"orders"}, []string{}
	}), func(spec *Spec) {
		off := spec.APIs[0]
		off.ID, off.Match, off.Split = "off", []MatchSpec{{Host: "api.example.com", Path: "/off"}}, SplitSpec{}
		spec.APIs = append(spec.APIs, off)
	}))
	token := s.sign(good())
	parts := strings.Split(token, ".")
	none := b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
	tests := map[string]struct {
		api, token string
		want       Reason
	}{
		"no such API":      {"else", token, APIUnknown},
		"split is off":     {"off", token, TokenMalformed},
		"none":             {"orders", none, ""},
		"none, signed":     {"orders", none + parts[2], ""},
		"empty signature":  {"orders", parts[0] + "." + parts[1] + ".", ""},
		"short signature":  {"orders", parts[0] + "." + parts[1] + ".c2hvcnQ", ""},
		"two parts":        {"orders", parts[0] + "." + parts[1], TokenMalformed},
		"JWE":              {"orders", parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[2] + "." + parts[2], TokenMalformed},
		"nothing":          {"orders", "", TokenMalformed},
		"no exp":           {"orders", s.sign(good(claims{"exp": nil})), ClaimMissing},
		"expired":          {"orders", s.sign(good(claims{"exp": noon().Unix()})), TokenExpired},
		"another issuer":   {"orders", s.sign(good(claims{"iss": "https://else.example/"})), IssuerRefused},
		"another audience": {"orders", s.sign(good(claims{"aud": "billing"})), AudienceRefused},
		"another key":      {"orders", (&signer{alg: "HS256", secret: []byte("another-secret-0123456789-0123456")}).sign(good()), SignatureInvalid},
		"trailing newline": {"orders", token + "\n", TokenMalformed},
	}
	for name, tt := range tests {
		half, err := e.Split(t.Context(), tt.api, tt.token)
		why, ok := errors.AsType[Reason](err)
		if !ok || half.Text != "" || (tt.want != "" && why != tt.want) {
			t.Errorf("%s: %v; expected %q", name, err, tt.want)
		}
	}
	if n := k.puts.Load(); n != 0 {
		t.Errorf("%d records were stored", n)
	}
}

// A half counts where its whole token would: on APIs of its issuer and audience
// that take halves.
func TestHalfCountsWhereItsTokenWould(t *testing.T) {
	k, s := newKeeper(t), keys()["ES256"]
	spec := splitting(s, onAPI(func(a *APISpec) {
		a.Keys[0].Issuer = "https://issuer.example/"
		a.Claims.Audiences = []string{"orders"}
	}), func(spec *Spec) {
		add := func(id string, change func(*APISpec)) {
			a := spec.APIs[0]
			a.ID, a.Match = id, []MatchSpec{{Host: "api.example.com", Path: "/" + id}}
			a.Keys = slices.Clone(a.Keys)
			change(&a)
			spec.APIs = append(spec.APIs, a)
			spec.Policies[0].Access = append(spec.Policies[0].Access, policies.AccessSpec{API: id, All: true})
		}
		add("same", func(*APISpec) {})
		add("audience", func(a *APISpec) { a.Claims.Audiences = []string{"billing"} })
		add("issuer", func(a *APISpec) { a.Keys[0].Issuer = "https://else.example/" })
		add("off", func(a *APISpec) { a.Split = SplitSpec{} })
	})
	e := k.replica(t, spec)
	half := halve(t, e, s.sign(good()))
	for path, want := range map[string]Reason{
		"/orders": "", "/same": "", "/audience": AudienceRefused, "/issuer": IssuerRefused, "/off": TokenMalformed,
	} {
		if got := e.Decide(t.Context(), get(path, bearerOf(half.Text))); got.Reason != want {
			t.Errorf("%s: %q; expected %q", path, got.Reason, want)
		}
	}
}

func TestHalfIsKeptForMaxTTL(t *testing.T) {
	k, s := newKeeper(t), keys()["EdDSA"]
	patient := func(spec *Spec) { spec.Revocation.StaleAfter = 1000 * time.Hour } // the clock leaps
	e := k.replica(t, splitting(s, patient, onAPI(func(a *APISpec) { a.Split.MaxTTL = 10 * time.Minute })))
	half := halve(t, e, s.sign(good()))
	if !half.Until.Equal(noon().Add(10 * time.Minute)) {
		t.Fatalf("kept until %v", half.Until)
	}
	k.now.Add(int64(10*time.Minute - time.Second))
	if why := told(e, half.Text); why != "" {
		t.Errorf("before its end: %q", why)
	}
	k.now.Add(int64(time.Second))
	if why := told(e, half.Text); why != TokenUnknown {
		t.Errorf("after max_ttl, with the token still good: %q", why)
	}
	long := k.replica(t, splitting(s))
	half = halve(t, long, s.sign(good(claims{"exp": noon().Add(100 * time.Hour).Unix()})))
	if want := k.clock().Add(24 * time.Hour); !half.Until.Equal(want) {
		t.Errorf("kept until %v; expected a day", half.Until)
	}
}

func TestNothingReachesTheStoreForWhatIsNoHalf(t *testing.T) {
	k, s := newKeeper(t), keys()["HS256"]
	e := k.replica(t, splitting(s))
	before := k.gets.Load()
	for _, text := range []string{"x", strings.Repeat("A", 42), strings.Repeat("A", 701), strings.Repeat("A", 44) + "!", strings.Repeat("=", 43)} {
		if why := told(e, text); why != TokenUnknown {
			t.Errorf("%d characters: %q", len(text), why)
		}
	}
	if n := k.gets.Load() - before; n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
	k.down.Store(true)
	if why := told(e, strings.Repeat("A", 43)); why != StoreUnavailable {
		t.Errorf("with the store down: %q", why)
	}
	if half, err := e.Split(t.Context(), "orders", s.sign(good())); !errors.Is(err, store.ErrUnavailable) || half.Text != "" {
		t.Errorf("split with the store down: %v", err)
	}
}

func TestSplitWithoutAStore(t *testing.T) {
	e := engine(t, standard())
	if _, err := e.Split(t.Context(), "orders", keys()["HS256"].sign(good())); err == nil {
		t.Error("a token was split with nothing to keep it")
	}
	if _, err := e.Revoke(t.Context(), "", keys()["HS256"].sign(good()), ""); err == nil {
		t.Error("a token was revoked with nothing to keep that")
	}
	if err := e.RevokeSession(t.Context(), "s", ""); err == nil {
		t.Error("a session was revoked with nothing to keep that")
	}
}
