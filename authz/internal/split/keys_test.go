package split

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// gathering lets no Get through before all that are expected are under way: a
// look-up that asked one place after the other would never end. Those that find
// nothing stay until hold is closed.
type gathering struct {
	Backend
	coming sync.WaitGroup // Gets that are expected
	over   sync.WaitGroup // … that have not returned
	hold   chan struct{}  // nil: nobody stays
	mutex  sync.Mutex
	asked  []string
	cut    int // Gets that were ended while they stayed
}

func gather(b Backend, gets int) *gathering {
	g := &gathering{Backend: b}
	g.coming.Add(gets)
	g.over.Add(gets)
	return g
}

func (g *gathering) Get(ctx context.Context, key store.Key) (store.Record, error) {
	defer g.over.Done() // one too many panics
	g.mutex.Lock()
	g.asked = append(g.asked, key.ID)
	g.mutex.Unlock()
	g.coming.Done()
	gathered := make(chan struct{})
	go func() { g.coming.Wait(); close(gathered) }()
	select {
	case <-gathered:
	case <-ctx.Done():
		return store.Record{}, fmt.Errorf("%w: the others do not come", store.ErrUnavailable)
	}
	record, err := g.Backend.Get(ctx, key)
	if err == nil || g.hold == nil {
		return record, err
	}
	select {
	case <-g.hold:
	case <-ctx.Done():
		g.mutex.Lock()
		g.cut++
		g.mutex.Unlock()
	}
	return record, err
}

// TestSeveralSealKeysAreOneRoundTrip: with any number of seal keys a look-up asks
// once for each, all at the same time, whichever of them has the token or none; a
// token that is remembered asks for nothing.
func TestSeveralSealKeysAreOneRoundTrip(t *testing.T) {
	token := signers(t)[0].token(t, claims)
	for _, count := range []int{1, 2, 5} {
		var ring []seal.Key
		for i := range count {
			ring = append(ring, seal.NewKey(fmt.Sprint("k", i)))
		}
		all, err := seal.New(ring...)
		if err != nil {
			t.Fatal(err)
		}
		for at := range count + 1 { // at == count: nobody has it
			sealed := seal.NewKey("gone")
			if at < count {
				sealed = ring[at]
			}
			b := makeBed(t, sealed)
			text := mustStore(t, b, token, time.Hour)
			g := gather(b.store, count)
			if at < count {
				g.hold = make(chan struct{})
			}
			s := New(Options{Store: g, Keyring: all, CacheBytes: 1 << 20, Now: b.clock.now, Budget: 10 * time.Second})
			for range 3 {
				got, err := s.Restore(t.Context(), text)
				if at == count && !errors.Is(err, ErrNoToken) || at < count && (err != nil || got.Token != whole(token)) {
					t.Fatalf("%d keys, sealed with key %d: %v", count, at, err)
				}
			}
			if g.hold != nil {
				close(g.hold)
			}
			g.over.Wait()
			slices.Sort(g.asked)
			if places := len(slices.Compact(slices.Clone(g.asked))); len(g.asked) != count || places != count || g.cut != 0 {
				t.Errorf("%d keys, sealed with key %d: %d places asked %d times, %d cut short", count, at, places, len(g.asked), g.cut)
			}
		}
	}
}

// TestAllServerKeysWithoutTheHalfOpenNothing: whoever has the store and every seal
// key, the claims in clear and the halves of others, but not the client's half,
// opens nothing.
func TestAllServerKeysWithoutTheHalfOpenNothing(t *testing.T) {
	keys := []seal.Key{seal.NewKey("k1"), seal.NewKey("k2"), seal.NewKey("k3")}
	b := makeBed(t, keys...)
	foreign := mustStore(t, b, signers(t)[0].token(t, `{"sub":"mallory"}`), time.Hour)
	others, err := half(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range signers(t) {
		token := s.token(t, claims)
		text := mustStore(t, b, token, time.Hour)
		signature := token.Signature()
		right := placeOf(b.ring.Derive(purpose, signature))
		record, err := b.store.Get(t.Context(), right.key())
		if err != nil {
			t.Fatal(err)
		}
		if signed, _, err := right.open(record.Value, jws.DefaultMaxBytes); err != nil || signed != token.Signed() {
			t.Fatalf("%s: the client's half does not open: the test does not test", s.alg)
		}
		near := slices.Clone(signature)
		near[len(near)-1] ^= 1
		guesses := [][]byte{
			nil, make([]byte, len(signature)), right.id[:], []byte(right.key().ID), record.Value, record.Value[recordHead : recordHead+12],
			[]byte(token.Signed()), []byte(claims), []byte(text), others, near, signature[1:], signature[:len(signature)-1],
			append(slices.Clone(signature), 0), keysText(keys),
		}
		for i, guess := range guesses {
			for one := range b.ring.Derivations(purpose, guess) {
				for _, place := range []place{placeOf(one), {derived: one, id: right.id}} {
					if _, _, err := place.open(record.Value, jws.DefaultMaxBytes); err == nil {
						t.Errorf("%s: guess %d opens it", s.alg, i)
					}
				}
			}
		}
		// Nor is it anything that the ring opens alone, under any name.
		for _, binding := range []seal.Binding{
			{}, {Kind: purpose, ID: string(right.id[:])}, {Kind: string(right.key().Kind), ID: right.key().ID}, {Kind: labelSeal, ID: right.key().ID, Version: version},
		} {
			for _, sealed := range [][]byte{record.Value, record.Value[1:], record.Value[recordHead:]} {
				if _, err := b.ring.Open(binding, sealed); err == nil {
					t.Errorf("%s: the ring opens it", s.alg)
				}
			}
		}
	}
}

func keysText(keys []seal.Key) []byte {
	var out []byte
	for _, k := range keys {
		out = append(out, k.Text()...)
	}
	return out
}
