package split

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// bed is a splitter over a store in memory that can be counted and broken.
type bed struct {
	*Splitter
	store *counted
	clock *clock
	ring  *seal.Keyring
}

type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time        { return time.Unix(0, c.nanos.Load()) }
func (c *clock) pass(by time.Duration) { c.nanos.Add(int64(by)) }

type counted struct {
	*memory.Store
	gets    atomic.Int64
	failure atomic.Pointer[error]
	gate    chan struct{} // when set, a Get waits for it
}

func (c *counted) Get(ctx context.Context, key store.Key) (store.Record, error) {
	c.gets.Add(1)
	if c.gate != nil {
		<-c.gate
	}
	if err := c.failure.Load(); err != nil {
		return store.Record{}, *err
	}
	return c.Store.Get(ctx, key)
}

func makeBed(t testing.TB, keys ...seal.Key) *bed {
	t.Helper()
	if len(keys) == 0 {
		keys = []seal.Key{seal.NewKey("k1")}
	}
	ring, err := seal.New(keys...)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixNano())
	s := memory.Open(memory.Options{Now: c.now})
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // memory
	counting := &counted{Store: s}
	return &bed{
		store: counting, clock: c, ring: ring,
		Splitter: New(Options{Store: counting, Keyring: ring, CacheBytes: 1 << 20, Now: c.now, Budget: 10 * time.Second}),
	}
}

// other is a second replica on the same store.
func (b *bed) other() *Splitter {
	return New(Options{Store: b.store, Keyring: b.ring, CacheBytes: 1 << 20, Now: b.clock.now, Budget: 10 * time.Second})
}

func (b *bed) until(d time.Duration) time.Time { return b.clock.now().Add(d) }

type signer struct {
	alg  string
	sign func(signed []byte) []byte
}

func signers(t testing.TB) []signer {
	t.Helper()
	var all []signer
	hashes := []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512}
	sum := func(h crypto.Hash, text []byte) []byte { d := h.New(); d.Write(text); return d.Sum(nil) }
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for i, bits := range []string{"256", "384", "512"} {
		h := hashes[i]
		all = append(all,
			signer{"HS" + bits, func(text []byte) []byte {
				m := hmac.New(h.New, bytes.Repeat([]byte("k"), 64))
				m.Write(text)
				return m.Sum(nil)
			}},
			signer{"RS" + bits, func(text []byte) []byte {
				s, err := rsa.SignPKCS1v15(nil, key, h, sum(h, text))
				if err != nil {
					t.Fatal(err)
				}
				return s
			}},
			signer{"PS" + bits, func(text []byte) []byte {
				s, err := rsa.SignPSS(rand.Reader, key, h, sum(h, text), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
				if err != nil {
					t.Fatal(err)
				}
				return s
			}})
		curve := []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}[i]
		ec, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		size := (curve.Params().BitSize + 7) / 8
		all = append(all, signer{"ES" + bits, func(text []byte) []byte {
			r, s, err := ecdsa.Sign(rand.Reader, ec, sum(h, text))
			if err != nil {
				t.Fatal(err)
			}
			return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
		}})
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, signer{"EdDSA", func(text []byte) []byte { return ed25519.Sign(private, text) }})
}

func (s signer) token(t testing.TB, claims string) *jws.Token {
	t.Helper()
	enc := base64.RawURLEncoding
	signed := enc.EncodeToString([]byte(`{"alg":"`+s.alg+`","typ":"JWT","kid":"key-1"}`)) + "." + enc.EncodeToString([]byte(claims))
	token, err := jws.Parse(signed+"."+enc.EncodeToString(s.sign([]byte(signed))), 0)
	if err != nil {
		t.Fatalf("a token of the test: %v", err)
	}
	return token
}

const claims = `{"iss":"https://issuer.example/","sub":"alice-is-the-subject","aud":["orders"],"exp":1900000000,"scope":"openid profile"}`

func whole(t *jws.Token) string { return glue(t.Signed(), t.Signature()) }

func mustStore(t testing.TB, b *bed, token *jws.Token, keep time.Duration) string {
	t.Helper()
	text, err := b.Store(t.Context(), token, b.until(keep))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSplitAndRestore(t *testing.T) {
	for _, s := range signers(t) {
		t.Run(s.alg, func(t *testing.T) {
			b := makeBed(t)
			token := s.token(t, claims)
			text := mustStore(t, b, token, time.Hour)
			if len(text) < minHalf || strings.Contains(text, ".") {
				t.Fatalf("a half of %d characters", len(text))
			}
			for _, replica := range []*Splitter{b.Splitter, b.Splitter, b.other()} {
				got, err := replica.Restore(t.Context(), text)
				if err != nil || got.Token != whole(token) {
					t.Fatalf("restored another token, or none: %v", err)
				}
			}
			b.clock.pass(time.Hour)
			if _, err := b.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
				t.Errorf("after its end: %v", err)
			}
		})
	}
}

// Every other spelling of a half, and the twin of an ECDSA signature, is no half.
func TestNoSpellingOpens(t *testing.T) {
	for _, s := range signers(t) {
		b := makeBed(t)
		text := mustStore(t, b, s.token(t, claims), time.Hour)
		variants := []string{
			text + "=", text + "==", text + "\n", text + "\r\n", "\n" + text, " " + text, text + " ",
			text[:20] + "\n" + text[20:], strings.ToLower(text), strings.ToUpper(text), text[:len(text)-1], text[1:],
			text + "A", "A" + text, text + text, "", "A", strings.Repeat("A", 43), strings.Repeat("A", 700), strings.Repeat("A", 701),
			strings.NewReplacer("-", "+", "_", "/").Replace(text) + "/", text[:len(text)/2], text + ".",
			"." + text, text + "\x00", text + "%3D",
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, text[len(text)-1])
		for bits := 1; bits < 16; bits++ {
			variants = append(variants, text[:len(text)-1]+string(alphabet[last^bits]))
		}
		for i, v := range variants {
			if v == text {
				continue
			}
			if _, err := b.Restore(t.Context(), v); !errors.Is(err, ErrHalf) && !errors.Is(err, ErrNoToken) {
				t.Errorf("%s: spelling %d of a half: %v", s.alg, i, err)
			}
		}
	}
}

func TestMalformedHalfNeverReachesTheStore(t *testing.T) {
	b := makeBed(t)
	for _, text := range []string{"", "a", strings.Repeat("a", 42), strings.Repeat("a", 701), strings.Repeat("a", 65536), strings.Repeat("a", 50) + "!", strings.Repeat("=", 64)} {
		if _, err := b.Restore(t.Context(), text); !errors.Is(err, ErrHalf) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
	if n := b.store.gets.Load(); n != 0 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestLongerExpiryWins(t *testing.T) {
	b := makeBed(t)
	s := signers(t)[0] // HS256: the same claims give the same token
	first := mustStore(t, b, s.token(t, claims), 2*time.Hour)
	if again := mustStore(t, b, s.token(t, claims), time.Hour); again != first {
		t.Fatal("equal tokens have different halves")
	}
	b.clock.pass(90 * time.Minute)
	if _, err := b.Restore(t.Context(), first); err != nil {
		t.Errorf("the shorter time won: %v", err)
	}
	mustStore(t, b, s.token(t, claims), time.Hour)
	b.clock.pass(50 * time.Minute)
	if _, err := b.Restore(t.Context(), first); err != nil {
		t.Errorf("the longer time was not taken: %v", err)
	}
	b.clock.pass(20 * time.Minute)
	if _, err := b.Restore(t.Context(), first); !errors.Is(err, ErrNoToken) {
		t.Errorf("after the longer time: %v", err)
	}
}

func TestOldSealKeyStillOpens(t *testing.T) {
	old, young := seal.NewKey("old"), seal.NewKey("young")
	b := makeBed(t, old)
	token := signers(t)[1].token(t, claims)
	text := mustStore(t, b, token, time.Hour)
	both, err := seal.New(young, old)
	if err != nil {
		t.Fatal(err)
	}
	only, err := seal.New(young)
	if err != nil {
		t.Fatal(err)
	}
	rotated := New(Options{Store: b.store, Keyring: both, Now: b.clock.now, Budget: 10 * time.Second})
	if got, err := rotated.Restore(t.Context(), text); err != nil || got.Token != whole(token) {
		t.Errorf("with the old key second: %v", err)
	}
	lost := New(Options{Store: b.store, Keyring: only, Now: b.clock.now, Budget: 10 * time.Second})
	if _, err := lost.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
		t.Errorf("without the old key: %v", err)
	}
	if ended, err := rotated.End(t.Context(), text); err != nil || !ended {
		t.Errorf("ended = %v, %v", ended, err)
	}
	if _, err := rotated.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
		t.Errorf("after its end: %v", err)
	}
}

func TestEndReachesOtherReplicas(t *testing.T) {
	b := makeBed(t)
	other := b.other()
	text := mustStore(t, b, signers(t)[2].token(t, claims), time.Hour)
	if _, err := other.Restore(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	head, err := b.store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ended, err := b.End(t.Context(), text); err != nil || !ended {
		t.Fatalf("ended = %v, %v", ended, err)
	}
	if _, err := b.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
		t.Errorf("here: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heard := make(chan store.Event, 1)
	go b.store.Subscribe(ctx, head, follower(heard)) //nolint:errcheck // ends with ctx
	event := <-heard
	if event.Topic != Topic {
		t.Fatalf("topic %q", event.Topic)
	}
	other.Ended(event.Payload)
	if _, err := other.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
		t.Errorf("there: %v", err)
	}
	if ended, err := b.End(t.Context(), text); err != nil || ended {
		t.Errorf("a second time: %v, %v", ended, err)
	}
}

type follower chan store.Event

func (f follower) Event(e store.Event) { f <- e }
func (f follower) Contact(time.Time)   {}

func TestOneLookUpForManyCallers(t *testing.T) {
	b := makeBed(t)
	token := signers(t)[0].token(t, claims)
	text := mustStore(t, b, token, time.Hour)
	b.store.gets.Store(0)
	b.store.gate = make(chan struct{})
	fresh := b.other()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if got, err := fresh.Restore(t.Context(), text); err != nil || got.Token != whole(token) {
				t.Errorf("restored another token, or none: %v", err)
			}
		})
	}
	close(b.store.gate)
	wg.Wait()
	// Callers that come after the flight find it in the cache.
	if n := b.store.gets.Load(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
}

func TestMissIsRememberedShortly(t *testing.T) {
	b := makeBed(t)
	token := signers(t)[0].token(t, claims)
	text := glue("", token.Signature())[1:]
	for range 50 {
		if _, err := b.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
			t.Fatal(err)
		}
	}
	if n := b.store.gets.Load(); n != 1 {
		t.Errorf("the store was asked %d times", n)
	}
	mustStore(t, b, token, time.Hour)
	if _, err := b.Restore(t.Context(), text); err != nil {
		t.Errorf("stored after a miss: %v", err)
	}
	elsewhere := b.other()
	if _, err := elsewhere.Restore(t.Context(), text); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
}

func TestFailureIsNotAMiss(t *testing.T) {
	b := makeBed(t)
	token := signers(t)[0].token(t, claims)
	text := mustStore(t, b, token, time.Hour)
	failure := fmt.Errorf("%w: no route", store.ErrUnavailable)
	b.store.failure.Store(&failure)
	fresh := b.other()
	if _, err := fresh.Restore(t.Context(), text); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("with the store down: %v", err)
	}
	if _, err := b.Store(t.Context(), token, b.until(2*time.Hour)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("storing with the store down: %v", err)
	}
	b.store.failure.Store(nil)
	if _, err := fresh.Restore(t.Context(), text); err != nil {
		t.Errorf("with the store back: %v", err)
	}
}

// A copy of the store and the keyring, without the client's half, open nothing.
func TestDumpOpensNothing(t *testing.T) {
	b := makeBed(t)
	for _, s := range signers(t) {
		token := s.token(t, claims)
		text := mustStore(t, b, token, time.Hour)
		p := placeOf(b.ring.Derive(purpose, token.Signature()))
		record, err := b.store.Get(t.Context(), p.key())
		if err != nil {
			t.Fatal(err)
		}
		dump := append([]byte(p.key().ID), record.Value...)
		for _, secret := range []string{text, string(token.Signature()), token.Signed(), "alice-is-the-subject", "issuer.example", "openid", "RS256", "kid"} {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)), hex.EncodeToString([]byte(secret))} {
				if bytes.Contains(dump, []byte(form)) {
					t.Errorf("%s: the dump holds a part of the token", s.alg)
				}
			}
		}
		// What the server has: the ring and the id. Every key it can make fails.
		for _, guess := range [][]byte{nil, p.id[:], []byte(p.key().ID), record.Value} {
			wrong := p
			wrong.derived = b.ring.Derive(purpose, guess)
			if _, _, err := wrong.open(record.Value, jws.DefaultMaxBytes); err == nil {
				t.Errorf("%s: opened without the client's half", s.alg)
			}
		}
	}
}

func TestDamagedRecordIsAMiss(t *testing.T) {
	token := signers(t)[0].token(t, claims)
	for name, damage := range map[string]func([]byte) []byte{
		"empty":         func([]byte) []byte { return nil },
		"garbage":       func([]byte) []byte { return []byte("garbage of more than some bytes, to be long enough") },
		"newer version": func(v []byte) []byte { v[0]++; return v },
		"other expiry":  func(v []byte) []byte { v[8] ^= 1; return v },
		"flipped":       func(v []byte) []byte { v[len(v)/2] ^= 1; return v },
		"cut":           func(v []byte) []byte { return v[:len(v)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			b := makeBed(t)
			text := mustStore(t, b, token, time.Hour)
			key := placeOf(b.ring.Derive(purpose, token.Signature())).key()
			record, err := b.store.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.store.Put(t.Context(), key, damage(bytes.Clone(record.Value)), store.Write{Expires: record.Expires}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Restore(t.Context(), text); !errors.Is(err, ErrNoToken) {
				t.Errorf("restored: %v", err)
			}
			// Storing the token again mends it.
			mustStore(t, b, token, time.Hour)
			b.clock.pass(keepMiss)
			if _, err := b.Restore(t.Context(), text); err != nil {
				t.Errorf("after storing it again: %v", err)
			}
		})
	}
}

func TestStoreRefuses(t *testing.T) {
	b := makeBed(t)
	token := signers(t)[0].token(t, claims)
	if _, err := b.Store(t.Context(), token, b.clock.now()); !errors.Is(err, ErrDuration) {
		t.Errorf("a token that has ended: %v", err)
	}
}

func TestManyEndsForgetAll(t *testing.T) {
	m := newRecall(1 << 20)
	now := time.Unix(1_900_000_000, 0)
	d := digest{1}
	m.keep(d, opened{whole: NewWhole("t"), expires: now.Add(time.Hour)}, now)
	for i := range mostEnded + 10 {
		m.end([32]byte{byte(i), byte(i >> 8), byte(i >> 16), 1}, now)
	}
	if len(m.ended) > mostEnded {
		t.Errorf("%d ended ids are remembered", len(m.ended))
	}
	if _, found, _ := m.find(d, now); found {
		t.Error("an ended token could still be found")
	}
}
