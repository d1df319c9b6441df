package revoked

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func facts(change func(*Facts)) *Facts {
	f := &Facts{
		Issuer: "https://a.example", JWTID: "j1", Token: "digest", Subject: "alice",
		Session: "s1", Client: "shop", IssuedAt: noon.Add(-time.Hour),
	}
	if change != nil {
		change(f)
	}
	return f
}

func TestEnds(t *testing.T) {
	cases := []struct {
		name string
		rule Rule
		of   *Facts
		want bool
	}{
		{"jti", Rule{Kind: JWTID, Value: "j1"}, facts(nil), true},
		{"jti of its issuer", Rule{Kind: JWTID, Value: "j1", Issuer: "https://a.example"}, facts(nil), true},
		{"jti of another issuer", Rule{Kind: JWTID, Value: "j1", Issuer: "https://b.example"}, facts(nil), false},
		{"other jti", Rule{Kind: JWTID, Value: "j"}, facts(nil), false},
		{"token", Rule{Kind: Token, Value: "digest"}, facts(nil), true},
		{"subject", Rule{Kind: Subject, Value: "alice"}, facts(nil), true},
		{"subject of a longer name", Rule{Kind: Subject, Value: "alic"}, facts(nil), false},
		{"subject is no client", Rule{Kind: Client, Value: "alice"}, facts(nil), false},
		{"session", Rule{Kind: Session, Value: "s1"}, facts(nil), true},
		{"client", Rule{Kind: Client, Value: "shop"}, facts(nil), true},
		{"issuer", Rule{Kind: Issuer, Value: "https://a.example"}, facts(nil), true},
		{"other issuer", Rule{Kind: Issuer, Value: "https://a.example/"}, facts(nil), false},
		{"all before later", Rule{Kind: All, Before: noon}, facts(nil), true},
		{"all before earlier", Rule{Kind: All, Before: noon.Add(-2 * time.Hour)}, facts(nil), false},
		{"all of an issuer", Rule{Kind: All, Issuer: "https://a.example", Before: noon}, facts(nil), true},
		{"all of another issuer", Rule{Kind: All, Issuer: "https://b.example", Before: noon}, facts(nil), false},
		{"before, issued then", Rule{Kind: Subject, Value: "alice", Before: noon.Add(-time.Hour)}, facts(nil), false},
		{"before, without a time", Rule{Kind: All, Before: noon.Add(-9 * time.Hour)}, facts(func(f *Facts) { f.IssuedAt = time.Time{} }), true},
		{"over", Rule{Kind: Subject, Value: "alice", Until: noon}, facts(nil), false},
		{"not over", Rule{Kind: Subject, Value: "alice", Until: noon.Add(1)}, facts(nil), true},
		{"nothing to ask for", Rule{Kind: Subject, Value: "alice"}, &Facts{}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := c.rule.Check(); err != nil {
				t.Fatal(err)
			}
			s := &Set{}
			if s.Ends(c.of, noon) {
				t.Fatal("an empty set ends a token")
			}
			s.add("id", c.rule)
			if got := s.Ends(c.of, noon); got != c.want {
				t.Errorf("ends = %v", got)
			}
			s.remove("id")
			if s.Ends(c.of, noon) || s.Len() != 0 {
				t.Error("the rule is still there after it was taken back")
			}
		})
	}
}

func TestCheckRefuses(t *testing.T) {
	for name, r := range map[string]Rule{
		"no kind": {Value: "x"}, "unknown kind": {Kind: "sub", Value: "x"}, "no value": {Kind: Subject},
		"all without a time": {Kind: All}, "all with a value": {Kind: All, Value: "x", Before: noon},
		"issuer twice": {Kind: Issuer, Value: "a", Issuer: "a"}, "no issuer": {Kind: Issuer},
		"long": {Kind: Subject, Value: string(make([]byte, 1025))},
	} {
		if err := r.Check(); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// replicas are two registries on one store whose clock is the test's.
type replicas struct {
	a, b  *Registry
	store *memory.Store
	nanos atomic.Int64
}

func makeReplicas(t *testing.T) *replicas {
	t.Helper()
	r := &replicas{}
	r.nanos.Store(noon.UnixNano())
	now := func() time.Time { return time.Unix(0, r.nanos.Load()) }
	r.store = memory.Open(memory.Options{Now: now})
	t.Cleanup(func() { r.store.Close() }) //nolint:errcheck // memory
	ring, err := seal.Random()
	if err != nil {
		t.Fatal(err)
	}
	r.a, r.b = NewRegistry(r.store, ring, now), NewRegistry(r.store, ring, now)
	return r
}

type heard struct {
	registry *Registry
	events   chan error
}

func (h heard) Event(e store.Event) { h.events <- h.registry.Event(e) }
func (h heard) Contact(time.Time)   {}
func (h heard) next(t *testing.T)   { t.Helper(); must(t, <-h.events) }
func must(t *testing.T, err error)  { t.Helper(); fatal(t, err) }
func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestReplicasAgree(t *testing.T) {
	r := makeReplicas(t)
	head, err := r.b.Load(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h := heard{registry: r.b, events: make(chan error)}
	go r.store.Subscribe(ctx, head, h) //nolint:errcheck // ends with ctx

	id, err := r.a.Create(t.Context(), Rule{Kind: Subject, Value: "alice", By: "ops"})
	must(t, err)
	h.next(t)
	for name, reg := range map[string]*Registry{"a": r.a, "b": r.b} {
		if !reg.Set().Ends(facts(nil), noon) {
			t.Errorf("%s does not know the rule", name)
		}
	}
	rules, next, err := r.b.List(t.Context(), "")
	must(t, err)
	for next != "" {
		var more []Listed
		more, next, err = r.b.List(t.Context(), next)
		must(t, err)
		rules = append(rules, more...)
	}
	if len(rules) != 1 || rules[0].ID != id || rules[0].By != "ops" || rules[0].Value != "alice" {
		t.Errorf("listed: %+v", rules)
	}
	must(t, r.b.Delete(t.Context(), id))
	h.next(t)
	must(t, r.a.Event(store.Event{Payload: change(mustHex(t, id), nil)}))
	if r.a.Set().Len() != 0 || r.b.Set().Len() != 0 {
		t.Error("the rule is still there")
	}
	if err := r.b.Delete(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
	if err := r.b.Delete(t.Context(), "../x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleting nonsense: %v", err)
	}
}

func mustHex(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	must(t, err)
	return string(raw)
}

func TestLoadFindsAllAndShowsNothing(t *testing.T) {
	r := makeReplicas(t)
	for _, rule := range []Rule{
		{Kind: Subject, Value: "alice-the-subject"},
		{Kind: JWTID, Value: "jti-of-hers", Until: noon.Add(time.Hour)},
		{Kind: All, Before: noon},
		{Kind: Subject, Value: "alice-the-subject", Before: noon},
	} {
		if _, err := r.a.Create(t.Context(), rule); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.b.Set().Len() != 3 {
		t.Errorf("%d rules", r.b.Set().Len())
	}
	for item, err := range store.All(t.Context(), r.store, key("")) {
		must(t, err)
		dump := append([]byte(item.Key.ID), item.Value...)
		for _, text := range []string{"alice", "jti-of", "subject"} {
			if bytes.Contains(dump, []byte(text)) {
				t.Error("the store shows a claim")
			}
		}
	}
}

func TestUnreadableRuleKeepsTheSetStale(t *testing.T) {
	r := makeReplicas(t)
	if _, err := r.a.Create(t.Context(), Rule{Kind: Subject, Value: "alice"}); err != nil {
		t.Fatal(err)
	}
	other, err := seal.Random()
	must(t, err)
	stranger := NewRegistry(r.store, other, r.a.now)
	if _, err := stranger.Load(t.Context()); !errors.Is(err, seal.ErrUnknownKey) {
		t.Errorf("loading with another keyring: %v", err)
	}
	stranger.Contact(noon)
	if stranger.Set().StaleFor(noon) < time.Hour {
		t.Error("the set counts as fresh")
	}
}

func TestStaleness(t *testing.T) {
	r := makeReplicas(t)
	if r.a.Set().StaleFor(noon) < time.Hour {
		t.Error("a set that never heard of its store is fresh")
	}
	if _, err := r.a.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := r.a.Set().StaleFor(noon.Add(31 * time.Second)); d != 31*time.Second {
		t.Errorf("stale for %v", d)
	}
	r.a.Contact(noon.Add(20 * time.Second))
	r.a.Contact(noon.Add(10 * time.Second)) // late, and older
	if d := r.a.Set().StaleFor(noon.Add(31 * time.Second)); d != 11*time.Second {
		t.Errorf("stale for %v after a contact", d)
	}
}

// TestStalenessAfterAStepOfTheClock: a clock that is set back does not make a set
// look fresh that nobody keeps up to date, nor one stale that somebody does.
func TestStalenessAfterAStepOfTheClock(t *testing.T) {
	s := &Set{}
	s.heard(noon.Add(time.Hour)) // and then it is noon
	if d := s.StaleFor(noon); d < time.Hour {
		t.Errorf("nothing was heard since the step, and it is stale for %v", d)
	}
	s.heard(noon)
	for after, want := range map[time.Duration]time.Duration{0: 0, time.Minute: time.Minute, -time.Second: -time.Second} {
		if d := s.StaleFor(noon.Add(after)); d != want {
			t.Errorf("stale for %v, %v after a contact", d, after)
		}
	}
}

func TestForgetsWhatIsOver(t *testing.T) {
	r := makeReplicas(t)
	if _, err := r.a.Create(t.Context(), Rule{Kind: Subject, Value: "alice", Until: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.a.Create(t.Context(), Rule{Kind: Subject, Value: "bob", Until: noon}); !errors.Is(err, ErrRule) {
		t.Errorf("a rule that is over: %v", err)
	}
	r.nanos.Store(noon.Add(time.Hour).UnixNano())
	r.a.Contact(noon.Add(time.Hour))
	if r.a.Set().Len() != 0 {
		t.Error("a rule that is over is still held")
	}
}

func TestForeignEventsAreRefused(t *testing.T) {
	r := makeReplicas(t)
	for name, payload := range map[string][]byte{"empty": nil, "short": []byte("x"), "garbage": bytes.Repeat([]byte("x"), 99)} {
		if err := r.a.Event(store.Event{Payload: payload}); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func BenchmarkEndsOfAMillion(b *testing.B) {
	s := &Set{}
	for i := range 1_000_000 {
		s.add(string([]byte{byte(i), byte(i >> 8), byte(i >> 16)}), Rule{Kind: JWTID, Value: string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})})
	}
	f := facts(nil)
	b.ReportAllocs()
	for b.Loop() {
		s.Ends(f, noon)
	}
}

func TestResealMovesEveryRule(t *testing.T) {
	old, young := seal.NewKey("old"), seal.NewKey("young")
	r := makeReplicas(t)
	first, err := seal.New(old)
	must(t, err)
	both, err := seal.New(young, old)
	must(t, err)
	only, err := seal.New(young)
	must(t, err)
	before := NewRegistry(r.store, first, r.a.now)
	for _, rule := range []Rule{{Kind: Subject, Value: "alice"}, {Kind: JWTID, Value: "j1", Until: noon.Add(time.Hour)}} {
		_, err := before.Create(t.Context(), rule)
		must(t, err)
	}
	rotated := NewRegistry(r.store, both, r.a.now)
	done, err := rotated.Reseal(t.Context())
	must(t, err)
	if done != (Resealed{Done: 2}) {
		t.Errorf("resealed: %+v", done)
	}
	done, err = rotated.Reseal(t.Context())
	must(t, err)
	if done != (Resealed{Current: 2}) {
		t.Errorf("a second time: %+v", done)
	}
	after := NewRegistry(r.store, only, r.a.now)
	_, err = after.Load(t.Context())
	must(t, err)
	if after.Set().Len() != 2 || !after.Set().Ends(facts(nil), noon) {
		t.Errorf("%d rules under the new key alone", after.Set().Len())
	}
}

// TestResealEndsNoRule: a replica that follows while rules move under another key
// goes on ending what they end, and forgets them when they are taken back.
func TestResealEndsNoRule(t *testing.T) {
	r := makeReplicas(t)
	young := seal.NewKey("young")
	old := seal.NewKey("old")
	first, err := seal.New(old)
	must(t, err)
	both, err := seal.New(young, old)
	must(t, err)
	rule := Rule{Kind: Subject, Value: "alice"}
	_, err = NewRegistry(r.store, first, r.a.now).Create(t.Context(), rule)
	must(t, err)
	replica, mover := NewRegistry(r.store, both, r.a.now), NewRegistry(r.store, both, r.a.now)
	head, err := replica.Load(t.Context())
	must(t, err)
	_, err = mover.Reseal(t.Context())
	must(t, err)
	events := heard{registry: replica, events: make(chan error, 8)}
	go func() { _ = r.store.Subscribe(t.Context(), head, events) }() // ends with the test
	events.next(t)                                                   // there under the young key
	events.next(t)                                                   // gone under the old one
	if !replica.Set().Ends(facts(nil), noon) {
		t.Error("a revocation has ended with the seal key it was made under")
	}
	must(t, mover.Delete(t.Context(), hex.EncodeToString([]byte(mover.idOf(rule)))))
	events.next(t)
	if replica.Set().Ends(facts(nil), noon) || replica.Set().Len() != 0 {
		t.Error("the rule is still there after it was taken back")
	}
}

// TestLoadOfRuleUnderTwoKeys: of two records of one rule, left by a rotation, the
// one that ends more counts, in whichever order they are read.
func TestLoadOfRuleUnderTwoKeys(t *testing.T) {
	short := Rule{Kind: Subject, Value: "alice", Until: noon.Add(time.Minute)}
	long := Rule{Kind: Subject, Value: "alice", Until: noon.Add(time.Hour)}
	forever := Rule{Kind: Subject, Value: "alice"}
	for range 20 { // maps are walked in any order
		s := &Set{}
		s.replace(map[string]Rule{"1": short, "2": long, "3": short})
		if !s.Ends(facts(nil), noon.Add(30*time.Minute)) {
			t.Fatal("the shorter one counts")
		}
		s.replace(map[string]Rule{"1": short, "2": forever, "3": long})
		if !s.Ends(facts(nil), noon.Add(2*time.Hour)) {
			t.Fatal("the one without end does not count")
		}
		s.forget(noon.Add(2 * time.Hour))
		for _, id := range []string{"1", "2", "3"} {
			if !s.Ends(facts(nil), noon) {
				t.Fatal("one record is left, and the rule is gone")
			}
			s.remove(id)
		}
		if s.Len() != 0 || len(s.ids) != 0 {
			t.Fatalf("%d rules, %d ids are left", s.Len(), len(s.ids))
		}
	}
}
