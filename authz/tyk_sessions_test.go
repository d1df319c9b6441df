package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz/internal/revoked"
)

// defined makes the standard API one of a definition of Tyk.
func defined(a *APISpec) {
	a.Tyk, a.Org, a.Algorithms = true, "o", []string{"HS256"}
	a.Claims.Require = []string{}
	a.Definition = &TykDefinition{Classic: true, HashFunction: "murmur64"}
}

// Sessions of definitions of Tyk are found by the id that is shown, and by the one
// that limits count under.
func TestTykSessionsAreRemembered(t *testing.T) {
	e, key := engine(t, standard(onAPI(defined))), keys()["HS256"]
	shown := TykSessionID("o", "alice", "murmur64")
	if got := e.TykSessions(shown); len(got) != 0 {
		t.Fatalf("before the first request: %v", got)
	}
	answer := decide(t, e, get("/orders", bearerOf(key.sign(good()))))
	got := e.TykSessions(shown)
	if len(got) != 1 || got[0].ID != answer.Metadata.Session || got[0].Identity != "alice" || got[0].API != "orders" ||
		!got[0].Expires.Equal(noon().Add(time.Hour)) || !cmp.Equal(got[0].Policies, []string{"basic"}) {
		t.Fatalf("%+v", got)
	}
	if again := e.TykSessions(answer.Metadata.Session); len(again) != 1 || again[0].Shown != shown {
		t.Errorf("by its own id: %+v", again)
	}
	// As in Tyk, an earlier exp does not shorten the session.
	decide(t, e, get("/orders", bearerOf(key.sign(good(claims{"exp": noon().Add(time.Minute).Unix()})))))
	if got = e.TykSessions(shown); len(got) != 1 || !got[0].Expires.Equal(noon().Add(time.Hour)) {
		t.Errorf("after a shorter token: %+v", got)
	}
	// Users of two issuers share the id that is shown, and nothing else.
	decide(t, e, get("/orders", bearerOf(key.sign(good(claims{"iss": "https://other.example/"})))))
	if got = e.TykSessions(shown); len(got) != 2 || got[0].ID == got[1].ID {
		t.Errorf("of two issuers: %+v", got)
	}
}

// What is refused, explained, or of a native API is not remembered.
func TestTykSessionsRememberNothingElse(t *testing.T) {
	key := keys()["HS256"]
	e := engine(t, standard(onAPI(defined)))
	for _, token := range []string{
		key.sign(good(claims{"exp": 1})), (&signer{alg: "HS256", secret: []byte("another-secret-0123456789-0123456")}).sign(good()), key.sign(good(claims{"sub": ""})),
	} {
		if got := decide(t, e, get("/orders", bearerOf(token))); got.Outcome != Deny {
			t.Fatal(got.Outcome)
		}
	}
	e.Explain(t.Context(), get("/orders", bearerOf(key.sign(good()))), noon())
	native := engine(t, standard())
	decide(t, native, get("/orders", bearerOf(key.sign(good()))))
	for _, e := range []*Engine{e, native} {
		if n := e.sessions.order.Len(); n != 0 || e.sessions.bytes != 0 {
			t.Errorf("%d sessions of %d bytes", n, e.sessions.bytes)
		}
	}
}

// A session that was ended on any replica is shown by none.
func TestTykSessionsEnd(t *testing.T) {
	k, key := newKeeper(t), keys()["HS256"]
	a, b := k.replica(t, standard(onAPI(defined))), k.replica(t, standard(onAPI(defined)))
	token := key.sign(good())
	for _, e := range []*Engine{a, b} {
		decide(t, e, get("/orders", bearerOf(token)))
	}
	shown := TykSessionID("o", "alice", "murmur64")
	seen := a.TykSessions(shown)
	if len(seen) != 1 || len(b.TykSessions(shown)) != 1 {
		t.Fatal("not remembered")
	}
	if _, err := a.options.Kept.CreateRevocation(t.Context(), RevocationRule{Kind: revoked.Session, Value: seen[0].ID}); err != nil {
		t.Fatal(err)
	}
	until(t, b, token, TokenRevoked)
	if len(a.TykSessions(shown))+len(b.TykSessions(shown)) != 0 {
		t.Error("it is still shown")
	}
}

// Whatever clients send, what is remembered stays within its bounds, and the
// sessions seen last stay.
func TestTykSessionsAreBounded(t *testing.T) {
	var s tykSessions
	put := func(i, long int) {
		s.note(&TykSession{ID: fmt.Sprint("id", i), Shown: fmt.Sprint("shown", i/2), Identity: strings.Repeat("x", long)})
	}
	for i := range tykSessionsMost + 500 {
		put(i, 8)
	}
	counted := func() int {
		bytes, names := 0, 0
		for e := s.order.Front(); e != nil; e = e.Next() {
			bytes += sessionIn(e).size()
		}
		for _, of := range s.shown {
			names += len(of)
		}
		if bytes != s.bytes || s.order.Len() != len(s.byID) || names != len(s.byID) {
			t.Fatalf("%d bytes, counted as %d; %d sessions, %d by id, %d by what is shown", bytes, s.bytes, s.order.Len(), len(s.byID), names)
		}
		if s.bytes > tykSessionsBytes || len(s.byID) > tykSessionsMost {
			t.Fatalf("%d bytes, %d sessions", s.bytes, len(s.byID))
		}
		return len(s.byID)
	}
	counted()
	if len(s.named("id0")) != 0 || len(s.named(fmt.Sprint("id", tykSessionsMost+499))) != 1 {
		t.Error("not the sessions that were seen first are forgotten")
	}
	for i := range 5000 {
		put(1_000_000+i, 60<<10)
	}
	if n := counted(); n > tykSessionsBytes/(60<<10) {
		t.Errorf("%d large sessions", n)
	}
	before := s.bytes
	put(2_000_000, tykSessionMost)
	if s.bytes != before || slices.ContainsFunc(s.named("id2000000"), func(TykSession) bool { return true }) {
		t.Error("one that is too large is remembered")
	}
}
