package credential

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// What was found is asked for once; what was not found, once in two seconds.
func TestLookUpsAreRemembered(t *testing.T) {
	b, ctx := newBench(t), t.Context()
	b.create(t, keyOf("a"))
	before := b.store.gets.Load()
	for range 100 {
		if _, err := b.Find(ctx, "", "a"); err != nil {
			t.Fatal(err)
		}
		_, err := b.Find(ctx, "", "b")
		wants(t, "the unknown", err, ErrUnknown)
	}
	if asked := b.store.gets.Load() - before; asked != 2 {
		t.Errorf("the store was asked %d times", asked)
	}
	b.pass(keepMiss)
	_, err := b.Find(ctx, "", "b")
	wants(t, "the unknown, later", err, ErrUnknown)
	b.pass(keepFound)
	if _, err := b.Find(ctx, "", "a"); err != nil {
		t.Fatal(err)
	}
	if asked := b.store.gets.Load() - before; asked != 4 {
		t.Errorf("the store was asked %d times after their time", asked)
	}
}

// Ids that cannot be are not looked up, and a miss is not kept where the store
// could not be asked.
func TestDoubtIsNotRemembered(t *testing.T) {
	b, ctx := newBench(t), t.Context()
	b.create(t, keyOf("a"))
	before := b.store.gets.Load()
	for _, id := range []string{"", string(make([]byte, MaxID+1))} {
		_, err := b.Find(ctx, "", id)
		wants(t, "an id that cannot be", err, ErrUnknown)
	}
	if asked := b.store.gets.Load() - before; asked != 0 {
		t.Errorf("the store was asked %d times", asked)
	}
	b.store.down.Store(true)
	_, err := b.Find(ctx, "", "a")
	wants(t, "without the store", err, store.ErrUnavailable)
	if errors.Is(err, ErrUnknown) {
		t.Error("a store that is away says there is no key")
	}
	b.store.down.Store(false)
	if _, err := b.Find(ctx, "", "a"); err != nil {
		t.Errorf("with the store again: %v", err)
	}
}

// A change on one replica counts on another as soon as it is told, and after
// keepFound at the latest.
func TestOtherReplicasHearOfChanges(t *testing.T) {
	key := seal.NewKey("k1")
	b, ctx := newBench(t, key), t.Context()
	other := b.replica(t, key)
	made := b.create(t, keyOf("a"))
	id := []byte(b.recordID(made.Session()))
	before, err := other.Find(ctx, "", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(ctx, made.Session(), "", func(c *Credential) error { c.Inactive = true; return nil }); err != nil {
		t.Fatal(err)
	}
	other.Changed(id)
	if before.Fresh(b.time()) {
		t.Error("what was read before is fresh after the news")
	}
	if live, err := other.Find(ctx, "", "a"); err != nil || !live.Inactive {
		t.Errorf("the change is not seen: %v", err)
	}
	if err := b.Delete(ctx, made.Session(), ""); err != nil {
		t.Fatal(err)
	}
	other.Forget() // a gap in the news
	_, err = other.Find(ctx, "", "a")
	wants(t, "after a gap", err, ErrUnknown)

	again := b.create(t, keyOf("a"))
	other.Changed(id)
	if _, err := other.Find(ctx, "", "a"); err != nil {
		t.Fatalf("the miss is remembered after the news: %v", err)
	}
	if err := b.Delete(ctx, again.Session(), ""); err != nil {
		t.Fatal(err)
	}
	b.pass(keepFound) // no news come at all
	_, err = other.Find(ctx, "", "a")
	wants(t, "without news", err, ErrUnknown)
}

// A look-up that began before a change is not remembered after it.
func TestOldReadIsNotRemembered(t *testing.T) {
	c := newCache(16)
	epoch := c.epoch.Load()
	c.drop("x")
	c.put("x", &entry{until: time.Unix(100, 0)}, epoch)
	if _, ok := c.get("x", time.Unix(1, 0)); ok {
		t.Error("a read from before a change is remembered")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				c.put("y", &entry{live: &Live{}, until: time.Unix(100, 0)}, c.epoch.Load())
				c.drop("y")
			}
		})
	}
	all.Wait()
	if _, ok := c.get("y", time.Unix(1, 0)); ok {
		t.Error("a dropped entry is there")
	}
}

// The first seal key seals anew; keys sealed before are found all the time.
func TestReseal(t *testing.T) {
	first, second := seal.NewKey("k1"), seal.NewKey("k2")
	b, ctx := newBench(t, first), t.Context()
	for i := range 50 {
		b.create(t, keyOf("key-"+strconv.Itoa(i)))
	}
	both := b.replica(t, second, first)
	_, err := both.Create(ctx, keyOf("key-7"))
	wants(t, "an id that is taken under the old key", err, ErrExists)
	if _, err := both.Find(ctx, "", "key-7"); err != nil {
		t.Fatalf("under the old key: %v", err)
	}
	if got, err := both.Reseal(ctx); err != nil || got != (Resealed{Done: 50}) {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := both.Reseal(ctx); err != nil || got != (Resealed{Current: 50}) {
		t.Errorf("again: %+v, %v", got, err)
	}
	alone := b.replica(t, second)
	for i := range 50 {
		if _, err := alone.Find(ctx, "", "key-"+strconv.Itoa(i)); err != nil {
			t.Errorf("key-%d without the old key: %v", i, err)
		}
	}
	stranger := b.replica(t, seal.NewKey("k3"))
	page, err := stranger.List(ctx, "")
	if err != nil || len(page.Keys) != 0 || len(page.Unreadable) == 0 {
		t.Errorf("a stranger reads %d keys, %v", len(page.Keys), err)
	}
	_, err = stranger.Find(ctx, "", "key-7")
	wants(t, "a stranger", err, ErrUnknown)
}

// No two ids share a record. With TOLLGATE_LONG it is a million.
func TestNoTwoIDsShareARecord(t *testing.T) {
	ids := 20_000
	if os.Getenv("TOLLGATE_LONG") != "" {
		ids = 1_000_000
	}
	b := newBench(t)
	records := make(map[string]struct{}, ids)
	var raw [12]byte
	for i := range ids {
		rand.Read(raw[:])
		id := hex.EncodeToString(raw[:])
		if i%2 == 0 {
			id = "aaa-bbb-" + strconv.Itoa(i)
		}
		records[b.recordID(Session("", id))] = struct{}{}
	}
	if len(records) != ids {
		t.Errorf("%d ids have %d records", ids, len(records))
	}
}
