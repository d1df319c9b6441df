package credential

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

const secret = "a-secret-of-a-holder-0123456789abcdef"

// bench is a registry over a store in memory, with a clock of its own.
type bench struct {
	*Registry
	store *counting
	nanos atomic.Int64
}

func (b *bench) time() time.Time { return time.Unix(0, b.nanos.Load()) }

func (b *bench) pass(d time.Duration) { b.nanos.Add(int64(d)) }

// counting counts the reads of a store and can be made to fail.
type counting struct {
	store.Backend
	gets atomic.Int64
	down atomic.Bool
}

func (c *counting) Get(ctx context.Context, k store.Key) (store.Record, error) {
	c.gets.Add(1)
	if c.down.Load() {
		return store.Record{}, store.ErrUnavailable
	}
	return c.Backend.Get(ctx, k)
}

func newBench(t *testing.T, keys ...seal.Key) *bench {
	t.Helper()
	b := &bench{}
	b.nanos.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixNano())
	backend := memory.Open(memory.Options{Now: b.time})
	t.Cleanup(func() { backend.Close() }) //nolint:errcheck // memory
	b.store = &counting{Backend: backend}
	if len(keys) == 0 {
		keys = append(keys, seal.NewKey("k1"))
	}
	b.Registry = b.replica(t, keys...)
	return b
}

// replica is another registry over the same store.
func (b *bench) replica(t *testing.T, keys ...seal.Key) *Registry {
	t.Helper()
	ring, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return NewRegistry(Options{Store: b.store, Keyring: ring, Now: b.time, Budget: 10 * time.Second})
}

func keyOf(id string) Credential {
	return Credential{ID: id, Policies: []string{"basic"}, Secrets: []Secret{{Kind: HMAC, Material: []byte(secret)}}}
}

func (b *bench) create(t *testing.T, c Credential) Stored {
	t.Helper()
	stored, err := b.Create(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, expected %v", what, err, want)
	}
}

func TestCreateFindUpdateDelete(t *testing.T) {
	b, ctx := newBench(t), t.Context()
	made := b.create(t, keyOf("a"))
	_, err := b.Create(ctx, keyOf("a"))
	wants(t, "again", err, ErrExists)
	live, err := b.Find(ctx, "", "a")
	if err != nil || live.ID != "a" || len(live.Keys(b.time())) != 1 {
		t.Fatalf("found %v, %v", live, err)
	}
	_, err = b.Find(ctx, "other", "a")
	wants(t, "in another org", err, ErrUnknown)

	b.pass(time.Second)
	changed, err := b.Update(ctx, made.Session(), made.Etag, func(c *Credential) error {
		c.ID, c.Org, c.Created, c.Alias = "z", "z", time.Time{}, "alias"
		return nil
	})
	if err != nil || changed.ID != "a" || changed.Org != "" || changed.Created != made.Created || changed.Alias != "alias" || !changed.Updated.After(made.Updated) {
		t.Errorf("changed to %+v, %v", changed.Credential, err)
	}
	if live.Fresh(b.time()) {
		t.Error("what was read before the change is fresh")
	}
	_, err = b.Update(ctx, made.Session(), made.Etag, func(*Credential) error { return nil })
	wants(t, "a stale etag", err, ErrChanged)
	wants(t, "deleting by a stale etag", b.Delete(ctx, made.Session(), made.Etag), ErrChanged)
	for _, tag := range []string{"*", "0", "-1", "3w5e11264sgsf", "zzzzzzzzzzzzzzzzz"} {
		wants(t, "etag "+tag, b.Delete(ctx, made.Session(), tag), ErrChanged)
	}
	if err := b.Delete(ctx, made.Session(), changed.Etag); err != nil {
		t.Fatal(err)
	}
	wants(t, "deleting again", b.Delete(ctx, made.Session(), ""), ErrUnknown)
	_, err = b.Find(ctx, "", "a")
	wants(t, "finding the deleted", err, ErrUnknown)
	_, err = b.Update(ctx, made.Session(), "", func(*Credential) error { return nil })
	wants(t, "updating the deleted", err, ErrUnknown)
}

func TestWhatIsNotKept(t *testing.T) {
	b := newBench(t)
	long := strings.Repeat("x", MaxID+1)
	for name, change := range map[string]func(*Credential){
		"no id":            func(c *Credential) { c.ID = "" },
		"long id":          func(c *Credential) { c.ID = long },
		"id of 64 KiB":     func(c *Credential) { c.ID = strings.Repeat("x", 64<<10) },
		"id without UTF-8": func(c *Credential) { c.ID = "a\xff" },
		"long org":         func(c *Credential) { c.Org = long },
		"nothing granted":  func(c *Credential) { c.Policies = nil },
		"no secret":        func(c *Credential) { c.Secrets = nil },
		"empty secret":     func(c *Credential) { c.Secrets[0].Material = nil },
		"empty and short":  func(c *Credential) { c.Secrets[0] = Secret{Kind: HMAC, Short: true} },
		"short secret":     func(c *Credential) { c.Secrets[0].Material = []byte("xxx") },
		"no kind":          func(c *Credential) { c.Secrets[0].Kind = "" },
		"three secrets":    func(c *Credential) { c.Secrets = append(c.Secrets, c.Secrets[0], c.Secrets[0]) },
		"no PEM":           func(c *Credential) { c.Secrets[0].Kind = PublicKey },
		"ended":            func(c *Credential) { c.Expires = b.time() },
		"many tags":        func(c *Credential) { c.Tags = make([]string, maxTexts+1) },
		"large":            func(c *Credential) { c.Foreign = make([]byte, maxDoc) },
	} {
		c := keyOf("a")
		change(&c)
		_, err := b.Create(t.Context(), c)
		wants(t, name, err, ErrInvalid)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the secret", name)
		}
	}
	page, err := b.List(t.Context(), "")
	if err != nil || len(page.Keys) != 0 {
		t.Errorf("%d keys are kept, %v", len(page.Keys), err)
	}
}

func TestStrangeIDsAreApart(t *testing.T) {
	b := newBench(t)
	ids := []string{"a", "A", "a ", " a", "a\x00", "a\r\n", "a/b", "a%2Fb", "{a}", "..", "ａ", "á", "a\u0301", strings.Repeat("a", MaxID)}
	for _, org := range []string{"", "a", "ab"} {
		for i, id := range ids {
			c := keyOf(id)
			c.Org, c.Alias = org, fmt.Sprintf("%q %d", org, i)
			b.create(t, c)
		}
	}
	for _, org := range []string{"", "a", "ab"} {
		for i, id := range ids {
			live, err := b.Find(t.Context(), org, id)
			if err != nil || live.ID != id || live.Alias != fmt.Sprintf("%q %d", org, i) {
				t.Errorf("%q in %q: %v, %v", id, org, live, err)
			}
		}
	}
}

func TestRotateWithOverlap(t *testing.T) {
	b := newBench(t)
	made := b.create(t, keyOf("a"))
	fresh := Secret{Kind: HMAC, Material: []byte("a-new-" + secret)}
	if _, err := b.Rotate(t.Context(), made.Session(), "", fresh, time.Hour); err != nil {
		t.Fatal(err)
	}
	live, err := b.Find(t.Context(), "", "a")
	if err != nil {
		t.Fatal(err)
	}
	end := live.NextEnd()
	if want := b.time().Add(time.Hour); !end.Equal(want) {
		t.Errorf("the old secret ends at %s, not %s", end, want)
	}
	for at, want := range map[time.Time]int{b.time(): 2, end.Add(-1): 2, end: 1, end.Add(time.Hour): 1} {
		if got := len(live.Keys(at)); got != want {
			t.Errorf("%s after: %d secrets, not %d", at.Sub(b.time()), got, want)
		}
	}
	// A second rotation leaves the newest two; one without overlap only itself.
	for overlap, want := range map[time.Duration]int{time.Minute: 2, 0: 1} {
		stored, err := b.Rotate(t.Context(), made.Session(), "", fresh, overlap)
		if err != nil || len(stored.Secrets) != want {
			t.Errorf("overlap %s: %d secrets, %v", overlap, len(stored.Secrets), err)
		}
	}
}

func TestEndedKeyCanBeChangedOtherwise(t *testing.T) {
	b := newBench(t)
	c := keyOf("a")
	c.Expires = b.time().Add(time.Hour)
	made := b.create(t, c)
	b.pass(2 * time.Hour)
	if _, err := b.Update(t.Context(), made.Session(), "", func(c *Credential) error { c.Inactive = true; return nil }); err != nil {
		t.Error(err)
	}
	_, err := b.Update(t.Context(), made.Session(), "", func(c *Credential) error { c.Expires = b.time().Add(-time.Minute); return nil })
	wants(t, "another time that has passed", err, ErrInvalid)
}

func TestPublicKeyIsTakenAndAPrivateOneIsNot(t *testing.T) {
	b := newBench(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	c := keyOf("a")
	c.Secrets = []Secret{{Kind: PublicKey, Material: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})}}
	b.create(t, c)
	live, err := b.Find(t.Context(), "", "a")
	if err != nil || len(live.Keys(b.time())) != 1 || !live.Keys(b.time())[0].Fits("ES256") || live.Keys(b.time())[0].Fits("HS256") {
		t.Errorf("found %v", err)
	}
	whole, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c = keyOf("b")
	c.Secrets = []Secret{{Kind: PublicKey, Material: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: whole})}}
	_, err = b.Create(t.Context(), c)
	wants(t, "a private key", err, ErrInvalid)
}

func TestSecretsHideThemselves(t *testing.T) {
	c := keyOf("a")
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c.Secrets), fmt.Sprint(c.Secrets[0])} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprint([]byte(secret))) {
			t.Error("a secret is printed")
		}
	}
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	b := newBench(t)
	made := b.create(t, keyOf("a"))
	var all sync.WaitGroup
	var done atomic.Int64
	for i := range 16 {
		all.Go(func() {
			_, err := b.Update(t.Context(), made.Session(), "", func(c *Credential) error {
				c.Tags = append(c.Tags, fmt.Sprint(i))
				return nil
			})
			switch {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, ErrChanged):
				t.Error(err)
			}
		})
	}
	all.Wait()
	stored, err := b.Get(t.Context(), "", "a")
	if err != nil || int64(len(stored.Tags)) != done.Load() || done.Load() == 0 {
		t.Errorf("%d tags after %d updates, %v", len(stored.Tags), done.Load(), err)
	}
}

func TestListGivesEveryKeyOnce(t *testing.T) {
	b := newBench(t)
	want := map[string]bool{}
	for i := range 300 {
		id := fmt.Sprintf("key-%d", i)
		b.create(t, keyOf(id))
		want[id] = true
	}
	got := map[string]bool{}
	for cursor := ""; ; {
		page, err := b.List(t.Context(), cursor)
		if err != nil || len(page.Unreadable) > 0 {
			t.Fatalf("%v, %d unreadable", err, len(page.Unreadable))
		}
		for _, stored := range page.Keys {
			if got[stored.ID] {
				t.Errorf("%s twice", stored.ID)
			}
			got[stored.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
