package authz

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// provider serves a key set that tests exchange.
type provider struct {
	*httptest.Server
	body    atomic.Pointer[string]
	fetches atomic.Int64
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.fetches.Add(1)
		_, _ = w.Write([]byte(*p.body.Load()))
	}))
	t.Cleanup(p.Close)
	return p
}

// publish makes keys of the given ids the set; all are the one RSA key.
func (p *provider) publish(ids ...string) {
	public := keys()["RS256"].private.(*rsa.PrivateKey).PublicKey
	list := []map[string]string{}
	for _, id := range ids {
		list = append(list, map[string]string{
			"kty": "RSA", "kid": id, "use": "sig", "n": b64(public.N.Bytes()), "e": b64(big.NewInt(int64(public.E)).Bytes()),
		})
	}
	text := string(must(json.Marshal(map[string]any{"keys": list})))
	p.body.Store(&text)
}

func remoteSpec(url string) Spec {
	return standard(onAPI(func(a *APISpec) {
		a.Claims.Audiences = []string{"orders"}
		a.Keys = []KeySpec{{JWKS: url, Issuer: "https://issuer.example/", Remote: RemoteSpec{Cooldown: time.Second}}}
	}))
}

func tokenOf(id string) string {
	exp := time.Now().Add(time.Hour).Unix()
	return bearerOf(keys()["RS256"].sign(good(claims{"exp": exp, "iat": 1}), map[string]any{"kid": id}))
}

// TestRotation: S-068. A new key is found on demand; the token of a withdrawn key
// is refused at once, cached or not.
func TestRotation(t *testing.T) {
	p := newProvider(t)
	p.publish("a")
	e := engine(t, remoteSpec(p.URL), Options{Now: time.Now, CacheBytes: 1 << 20})
	ask := func(token string) Reason {
		return e.Decide(context.Background(), get("/orders", token)).Reason
	}
	old, next := tokenOf("a"), tokenOf("b")
	for range 2 {
		if reason := ask(old); reason != "" {
			t.Fatal(reason)
		}
	}
	p.publish("b")
	deadline := time.Now().Add(30 * time.Second)
	for ask(next) != "" {
		if time.Now().After(deadline) {
			t.Fatalf("the new key is not found: %q", ask(next))
		}
		runtime.Gosched()
	}
	if reason := ask(old); reason != KeyUnknown {
		t.Errorf("a token of a withdrawn key: %q", reason)
	}
	if reason := ask(next); reason != "" {
		t.Error(reason)
	}
}

// TestForeignIssuerCausesNoFetch: a token whose issuer no key has is refused
// without a question to the provider; so is an expired one.
func TestForeignIssuerCausesNoFetch(t *testing.T) {
	p := newProvider(t)
	p.publish("a")
	e := engine(t, remoteSpec(p.URL), Options{Now: time.Now})
	before := p.fetches.Load()
	foreign := bearerOf(keys()["RS256"].sign(good(claims{"iss": "https://else.example/"}), map[string]any{"kid": "x"}))
	expired := bearerOf(keys()["RS256"].sign(good(claims{"exp": 1}), map[string]any{"kid": "x"}))
	if got := e.Decide(context.Background(), get("/orders", foreign)); got.Reason != IssuerRefused {
		t.Errorf("%q", got.Reason)
	}
	if got := e.Decide(context.Background(), get("/orders", expired)); got.Reason != KeyUnknown {
		t.Errorf("%q", got.Reason)
	}
	if n := p.fetches.Load(); n != before {
		t.Errorf("%d fetches", n-before)
	}
}

// TestReloadKeepsKeySets: a set that both snapshots name is not fetched again.
func TestReloadKeepsKeySets(t *testing.T) {
	p := newProvider(t)
	p.publish("a")
	e := engine(t, remoteSpec(p.URL), Options{Now: time.Now})
	before := p.fetches.Load()
	for range 5 {
		load(t, e, remoteSpec(p.URL))
	}
	discarded, _ := e.Compile(context.Background(), remoteSpec(p.URL))
	discarded.Discard()
	if n := p.fetches.Load(); n != before {
		t.Errorf("%d fetches", n-before)
	}
	if got := e.Decide(context.Background(), get("/orders", tokenOf("a"))); got.Outcome != Allow {
		t.Errorf("%q", got.Reason)
	}
	states := e.Snapshot().KeySets()
	if len(states) != 1 || !states[0].Ready || states[0].API != "orders" || len(states[0].Keys) != 1 || !strings.HasPrefix(states[0].Source, "jwks http://127.0.0.1") {
		t.Errorf("%+v", states)
	}
}

// TestDeadProvider: S-070. The API answers keys_unavailable, others work.
func TestDeadProvider(t *testing.T) {
	p := newProvider(t)
	p.publish("a")
	p.Close()
	spec := remoteSpec(p.URL)
	other := standard().APIs[0]
	other.ID, other.Match = "other", []MatchSpec{{Host: "api.example.com", Path: "/other"}}
	spec.APIs = append(spec.APIs, other)
	spec.Policies[0].Access = append(spec.Policies[0].Access, spec.Policies[0].Access[0])
	spec.Policies[0].Access[1].API = "other"
	seen := &observer{}
	e := engine(t, spec, Options{Now: time.Now, Observer: seen})
	got := e.Decide(context.Background(), get("/orders", tokenOf("a")))
	if got.Reason != KeysUnavailable || got.Status != 503 || seen.last.Err == nil {
		t.Errorf("%q %d %v", got.Reason, got.Status, seen.last.Err)
	}
	token := bearerOf(keys()["HS256"].sign(good(claims{"exp": time.Now().Add(time.Hour).Unix(), "iat": 1})))
	if got := e.Decide(context.Background(), get("/other", token)); got.Outcome != Allow {
		t.Errorf("the other API: %q", got.Reason)
	}
	states := e.Snapshot().KeySets()
	if len(states) != 1 || states[0].Ready || !states[0].Tried || states[0].LastError == "" {
		t.Errorf("%+v", states)
	}
}
