package credential

import (
	"errors"
	"testing"

	"github.com/tollgate-authz/tollgate/store/seal"
)

// TestChangesUnderAnOldSealKey: a change of a credential that still stands under the
// id of an older seal key is seen at once, by whoever made it and by who hears of it,
// whether they have the new key already or not.
func TestChangesUnderAnOldSealKey(t *testing.T) {
	old, young := seal.NewKey("old"), seal.NewKey("young")
	rings := map[string][]seal.Key{"before": {old}, "after": {young, old}}
	for who, ring := range rings {
		for what, change := range map[string]func(r *Registry, session string) error{
			"inactive": func(r *Registry, session string) error {
				_, err := r.Update(t.Context(), session, "", func(c *Credential) error { c.Inactive = true; return nil })
				return err
			},
			"deleted": func(r *Registry, session string) error { return r.Delete(t.Context(), session, "") },
		} {
			b := newBench(t, old)
			b.create(t, keyOf("alice"))
			maker, other := b.replica(t, ring...), b.replica(t, young, old)
			for _, r := range []*Registry{maker, other} {
				if live, err := r.Find(t.Context(), "", "alice"); err != nil || live.Inactive {
					t.Fatalf("%v", err)
				}
			}
			if err := change(maker, Session("", "alice")); err != nil {
				t.Fatal(err)
			}
			other.Changed([]byte(b.recordID(Session("", "alice")))) // what the feed says
			for name, r := range map[string]*Registry{"maker": maker, "other": other} {
				live, err := r.Find(t.Context(), "", "alice")
				if !errors.Is(err, ErrUnknown) && (err != nil || !live.Inactive) {
					t.Errorf("%s by one with the keys of %s a rotation: the %s goes on with it (%v)", what, who, name, err)
				}
			}
		}
	}
}

// TestFindsOnceUnderAnOldSealKey: what stands under an older id is remembered, too.
func TestFindsOnceUnderAnOldSealKey(t *testing.T) {
	old, young := seal.NewKey("old"), seal.NewKey("young")
	b := newBench(t, old)
	b.create(t, keyOf("alice"))
	r := b.replica(t, young, old)
	b.store.gets.Store(0)
	for range 3 {
		if _, err := r.Find(t.Context(), "", "alice"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Find(t.Context(), "", "bob"); !errors.Is(err, ErrUnknown) {
			t.Fatal(err)
		}
	}
	if n := b.store.gets.Load(); n != 4 {
		t.Errorf("%d reads for two ids under two keys", n)
	}
}
