package authz

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/revoked"
	"github.com/tollgate-authz/tollgate/store"
)

// until waits for what another replica learns through the feed.
func until(t *testing.T, e *Engine, credential string, want Reason) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	began := time.Now()
	for told(e, credential) != want {
		if time.Since(began) > 5*time.Second { // promised within one
			t.Fatalf("still %q; expected %q", told(e, credential), want)
		}
		<-tick.C
	}
}

func TestRevokedHalfOnEveryReplica(t *testing.T) {
	for _, jti := range []any{"token-1", nil, strings.Repeat("j", 5000)} {
		k, s := newKeeper(t), keys()["ES256"]
		spec := splitting(s)
		a, b := k.replica(t, spec), k.replica(t, spec)
		token := s.sign(good(claims{"jti": jti}))
		half := halve(t, a, token)
		for _, credential := range []string{half.Text, token} {
			if x, y := told(a, credential), told(b, credential); x != "" || y != "" {
				t.Fatalf("before: %q %q", x, y)
			}
		}
		if done, err := a.Revoke(t.Context(), "", half.Text, "test"); err != nil || !done {
			t.Fatalf("revoke: %v %v", done, err)
		}
		if why := told(a, half.Text); why != TokenUnknown {
			t.Errorf("on the replica that did it: %q", why)
		}
		until(t, b, half.Text, TokenUnknown)
		until(t, b, token, TokenRevoked) // its whole token is dead, too
		got := b.Decide(t.Context(), get("/orders", bearerOf(half.Text)))
		if got.Status != 401 || header(got, headerReason) != string(TokenUnknown) {
			t.Errorf("shown as %d %q", got.Status, header(got, headerReason))
		}
		// A replica that starts now knows it from the store.
		late := k.replica(t, spec)
		if x, y := told(late, half.Text), told(late, token); x != TokenUnknown || y != TokenRevoked {
			t.Errorf("on a replica that came later: %q %q", x, y)
		}
		// Nor does splitting the same token again bring it back.
		if again, err := late.Split(t.Context(), "orders", token); err == nil {
			if why := told(late, again.Text); why != TokenRevoked {
				t.Errorf("split again: %q", why)
			}
		}
	}
}

// A half whose token was revoked otherwise says no more than one that never was.
func TestRevokedTokenReadsAsUnknownHalf(t *testing.T) {
	k, s := newKeeper(t), keys()["HS256"]
	e := k.replica(t, splitting(s))
	half := halve(t, e, s.sign(good()))
	if _, err := e.options.Kept.CreateRevocation(t.Context(), RevocationRule{Kind: revoked.Subject, Value: "alice"}); err != nil {
		t.Fatal(err)
	}
	got := e.Decide(t.Context(), get("/orders", bearerOf(half.Text)))
	if got.Reason != TokenRevoked || header(got, headerReason) != string(TokenUnknown) || got.Metadata.Reason != string(TokenRevoked) {
		t.Errorf("%q, shown as %q, metadata %q", got.Reason, header(got, headerReason), got.Metadata.Reason)
	}
	full := k.replica(t, splitting(s, func(spec *Spec) { spec.Answers.FullReasons = true }))
	if got := full.Decide(t.Context(), get("/orders", bearerOf(half.Text))); header(got, headerReason) != string(TokenRevoked) {
		t.Errorf("with full reasons: %q", header(got, headerReason))
	}
}

func TestRevokeSession(t *testing.T) {
	k, s := newKeeper(t), keys()["RS256"]
	a, b := k.replica(t, splitting(s)), k.replica(t, splitting(s))
	half, other := halve(t, a, s.sign(good())), halve(t, a, s.sign(good(claims{"sub": "bob"})))
	is, err := a.Introspect(t.Context(), "", half.Text)
	if err != nil || !is.Active || is.Session == "" {
		t.Fatalf("%+v %v", is.Reason, err)
	}
	if err := a.RevokeSession(t.Context(), is.Session, "test"); err != nil {
		t.Fatal(err)
	}
	until(t, b, half.Text, TokenRevoked)
	if why := told(b, other.Text); why != "" {
		t.Errorf("another session: %q", why)
	}
	k.now.Add(int64(time.Minute))
	if why := told(b, s.sign(good(claims{"iat": k.clock().Unix()}))); why != "" {
		t.Errorf("after logging in again: %q", why)
	}
}

func TestRevokeWhatIsNotKnownChangesNothing(t *testing.T) {
	k, s := newKeeper(t), keys()["HS256"]
	e := k.replica(t, splitting(s))
	token := s.sign(good(claims{"jti": "mine"}))
	stranger := &signer{alg: "HS256", secret: []byte("another-secret-0123456789-0123456")}
	parts := strings.Split(token, ".")
	before := k.puts.Load()
	for name, presented := range map[string]string{
		"forged": stranger.sign(good(claims{"jti": "mine"})), "none": b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"no half": "x", "unknown half": strings.Repeat("A", 43), "nothing": "", "another spelling": token + "=",
	} {
		if done, err := e.Revoke(t.Context(), "", presented, ""); err != nil || done {
			t.Errorf("%s: %v %v", name, done, err)
		}
	}
	if n := k.puts.Load() - before; n != 0 {
		t.Errorf("%d records were written", n)
	}
	if why := told(e, token); why != "" {
		t.Errorf("the token: %q", why)
	}
	expired := s.sign(good(claims{"exp": noon().Add(-time.Minute).Unix()}))
	if done, err := e.Revoke(t.Context(), "", expired, ""); err != nil || !done {
		t.Errorf("one that has just expired: %v %v", done, err)
	}
	k.down.Store(true)
	if _, err := e.Revoke(t.Context(), "", strings.Repeat("A", 42)+"E", ""); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a half with the store down: %v", err)
	}
	if _, err := e.Revoke(t.Context(), "", token, ""); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a token with the store down: %v", err)
	}
}

func TestIntrospect(t *testing.T) {
	k, s := newKeeper(t), keys()["PS256"]
	e := k.replica(t, splitting(s, onAPI(func(a *APISpec) { a.Claims.Audiences = []string{"orders"} }), func(spec *Spec) {
		second := spec.APIs[0]
		second.ID, second.Match = "billing", []MatchSpec{{Host: "api.example.com", Path: "/billing"}}
		second.Claims.Audiences = []string{"billing"}
		spec.APIs = append(spec.APIs, second)
	}))
	token := s.sign(good())
	half := halve(t, e, token)
	tests := map[string]struct {
		api, token string
		active     bool
		why        Reason
		of         string
		kind       CredentialKind
	}{
		"whole":             {"", token, true, "", "orders", KindToken},
		"half":              {"", half.Text, true, "", "orders", KindSplit},
		"of the second API": {"", s.sign(good(claims{"aud": "billing"})), true, "", "billing", KindToken},
		"named":             {"billing", half.Text, false, AudienceRefused, "billing", KindSplit},
		"no such API":       {"else", token, false, KeyUnknown, "", KindToken},
		"expired":           {"", s.sign(good(claims{"exp": noon().Unix()})), false, TokenExpired, "orders", KindToken},
		"unknown half":      {"", strings.Repeat("A", 342), false, TokenUnknown, "", KindSplit},
		"no token":          {"", "a.b", false, TokenMalformed, "", KindToken},
		"forged":            {"", keys()["HS256"].sign(good()), false, KeyUnknown, "", KindToken},
	}
	for name, tt := range tests {
		is, err := e.Introspect(t.Context(), tt.api, tt.token)
		if err != nil || is.Active != tt.active || is.Reason != tt.why || is.API != tt.of || is.Kind != tt.kind {
			t.Errorf("%s: active %v %q of %q, %s, %v", name, is.Active, is.Reason, is.API, is.Kind, err)
		}
		if is.Active && (len(is.Claims) == 0 || is.Session == "" || !is.Expires.Equal(noon().Add(time.Hour))) {
			t.Errorf("%s: it says too little", name)
		}
	}
	if done, err := e.Revoke(t.Context(), "", token, ""); err != nil || !done {
		t.Fatal(done, err)
	}
	if is, err := e.Introspect(t.Context(), "", token); err != nil || is.Active || is.Reason != TokenRevoked {
		t.Errorf("revoked: %v %q %v", is.Active, is.Reason, err)
	}
	k.down.Store(true)
	if is, err := e.Introspect(t.Context(), "", strings.Repeat("A", 43)); !errors.Is(err, store.ErrUnavailable) || is.Active {
		t.Errorf("store down: %v", err)
	}
}

// The holder of a credential signs what it likes: its revocations end its own
// tokens only.
func TestRevokeByCredentialEndsNoOther(t *testing.T) {
	k, s := newKeeper(t), keys()["RS256"]
	own := &signer{alg: "HS256", secret: []byte("the-secret-of-one-key-0123456789")}
	spec := splitting(s, onAPI(func(a *APISpec) { a.Keys = append(a.Keys, KeySpec{Credentials: true}) }))
	e := k.replica(t, spec)
	e.options.Credentials = credentials{"/k1": {ID: "k1", Keys: []*jws.Key{must(jws.NewSecret(own.secret))}, Policies: []string{"basic"}}}
	victim := s.sign(good(claims{"jti": "victim"}))
	forged := own.sign(good(claims{"jti": "victim"}), map[string]any{"kid": "k1"})
	if why := told(e, forged); why != "" {
		t.Fatalf("the credential's token: %q", why)
	}
	if done, err := e.Revoke(t.Context(), "", forged, ""); err != nil || !done {
		t.Fatal(done, err)
	}
	if why := told(e, forged); why != TokenRevoked {
		t.Errorf("the credential's token: %q", why)
	}
	if why := told(e, victim); why != "" {
		t.Errorf("another one's token: %q", why)
	}
}
