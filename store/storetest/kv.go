package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// on is a backend within a test.
type on struct {
	t *testing.T
	b store.Backend
}

// must is a write that has to succeed.
func (o on) must(key store.Key, value string, w store.Write) store.Version {
	t := o.t
	t.Helper()
	v, err := o.b.Put(within(t), key, []byte(value), w)
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	if v == store.Any || v == store.Absent {
		t.Fatalf("put %s: version %d is a condition, not a version", key, v)
	}
	return v
}

func wantValue(t *testing.T, b store.Backend, key store.Key, value string) store.Record {
	t.Helper()
	r, err := b.Get(within(t), key)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	if string(r.Value) != value {
		t.Fatalf("get %s: %d bytes %.40q, want %d bytes %.40q", key, len(r.Value), r.Value, len(value), value)
	}
	return r
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func wantAbsent(t *testing.T, b store.Backend, key store.Key) {
	t.Helper()
	_, err := b.Get(within(t), key)
	wantErr(t, "get of what is not there", err, store.ErrNotFound)
}

func readsWhatWasWritten(t *testing.T, _ Subject, b store.Backend) {
	expires := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	values := map[string]string{
		"empty": "", "text": "value", "bytes": "\x00\xff\r\n{}", "large": strings.Repeat("x", store.MaxValue),
	}
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		for id, value := range values {
			key := store.Key{Kind: kind, ID: id}
			wantAbsent(t, b, key)
			v := on{t, b}.must(key, value, store.Write{Expires: expires})
			if r := wantValue(t, b, key, value); r.Version != v || !r.Expires.Equal(expires) {
				t.Errorf("%s: version %d until %v, want %d until %v", key, r.Version, r.Expires, v, expires)
			}
		}
	}
	// What a caller does to its slices afterwards changes nothing.
	in := []byte("mine")
	key := cred("mine")
	if _, err := b.Put(within(t), key, in, store.Write{}); err != nil {
		t.Fatal(err)
	}
	copy(in, "XXXX")
	out := wantValue(t, b, key, "mine")
	copy(out.Value, "YYYY")
	if r := wantValue(t, b, key, "mine"); !r.Expires.IsZero() {
		t.Errorf("a record that never expires says %v", r.Expires)
	}
}

func keepsConditions(t *testing.T, _ Subject, b store.Backend) {
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		key := store.Key{Kind: kind, ID: "k"}
		put := func(value string, cond store.Version) (store.Version, error) {
			return b.Put(within(t), key, []byte(value), store.Write{If: cond})
		}
		_, err := put("no", 12345)
		wantErr(t, "write on a version of nothing", err, store.ErrConflict)
		wantAbsent(t, b, key)
		first, err := put("one", store.Absent)
		wantErr(t, "create", err, nil)
		_, err = put("two", store.Absent)
		wantErr(t, "create what is there", err, store.ErrConflict)
		wantValue(t, b, key, "one")
		second, err := put("two", first)
		wantErr(t, "write on the version read", err, nil)
		if second == first {
			t.Error("a write left the version as it was")
		}
		_, err = put("three", first)
		wantErr(t, "write on an old version", err, store.ErrConflict)
		if r := wantValue(t, b, key, "two"); r.Version != second {
			t.Errorf("version %d read, %d written", r.Version, second)
		}
		third, err := put("two", store.Any)
		wantErr(t, "write on no condition", err, nil)
		if third == second {
			t.Error("a write of the same value left the version as it was")
		}
	}
}

func deletes(t *testing.T, _ Subject, b store.Backend) {
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		key := store.Key{Kind: kind, ID: "k"}
		wantErr(t, "delete nothing", b.Delete(within(t), key, store.Any), nil)
		wantErr(t, "delete a version of nothing", b.Delete(within(t), key, 5), store.ErrConflict)
		old := on{t, b}.must(key, "one", store.Write{})
		v := on{t, b}.must(key, "two", store.Write{})
		wantErr(t, "delete an old version", b.Delete(within(t), key, old), store.ErrConflict)
		wantValue(t, b, key, "two")
		wantErr(t, "delete", b.Delete(within(t), key, v), nil)
		wantAbsent(t, b, key)
		again := on{t, b}.must(key, "three", store.Write{If: store.Absent})
		if again == v || again == old {
			t.Error("a record made again has a version of its former life")
		}
		wantErr(t, "delete a version of a former life", b.Delete(within(t), key, v), store.ErrConflict)
		wantErr(t, "delete without condition", b.Delete(within(t), key, store.Any), nil)
		wantAbsent(t, b, key)
	}
}

func forgetsExpired(t *testing.T, s Subject, b store.Backend) {
	now := time.Now()
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		key := func(id string) store.Key { return store.Key{Kind: kind, ID: id} }
		on{t, b}.must(key("past"), "v", store.Write{Expires: now.Add(-time.Hour)})
		wantAbsent(t, b, key("past"))
		on{t, b}.must(key("overwritten"), "v", store.Write{})
		on{t, b}.must(key("overwritten"), "v", store.Write{Expires: now.Add(-time.Hour)})
		wantAbsent(t, b, key("overwritten"))
		on{t, b}.must(key("soon"), "v", store.Write{Expires: now.Add(300 * time.Millisecond)})
		on{t, b}.must(key("later"), "v", store.Write{Expires: now.Add(300 * time.Millisecond)})
		on{t, b}.must(key("later"), "w", store.Write{Expires: now.Add(time.Hour)})
		on{t, b}.must(key("for ever"), "v", store.Write{Expires: now.Add(300 * time.Millisecond)})
		on{t, b}.must(key("for ever"), "w", store.Write{})
	}
	if s.Advance != nil {
		s.Advance(400 * time.Millisecond)
	}
	Eventually(t, limit, func() error {
		_, err := b.Get(within(t), store.Key{Kind: store.KindSplit, ID: "soon"})
		if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("still there (%w)", err)
		}
		return nil
	})
	for _, kind := range []store.Kind{store.KindCredential, store.KindSplit} {
		key := func(id string) store.Key { return store.Key{Kind: kind, ID: id} }
		wantAbsent(t, b, key("soon"))
		wantErr(t, "create what has expired", func() error {
			_, err := b.Put(within(t), key("soon"), []byte("new"), store.Write{If: store.Absent})
			return err
		}(), nil)
		wantValue(t, b, key("soon"), "new")
		wantValue(t, b, key("later"), "w")
		wantValue(t, b, key("for ever"), "w")
	}
	var ids []string
	for it, err := range store.All(within(t), b, store.Key{Kind: store.KindCredential}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, it.Key.ID)
	}
	if len(ids) != 3 {
		t.Errorf("%d records listed, want the 3 that have not expired: %q", len(ids), ids)
	}
}

func refusesOutOfBounds(t *testing.T, _ Subject, b store.Backend) {
	long := strings.Repeat("i", store.MaxID)
	on{t, b}.must(cred(long), "v", store.Write{})
	for _, key := range []store.Key{cred(long + "i"), cred(""), {Kind: "other", ID: "a"}, {ID: "a"}} {
		_, err := b.Put(within(t), key, nil, store.Write{})
		wantErr(t, "put "+key.String(), err, store.ErrInvalid)
		_, err = b.Get(within(t), key)
		wantErr(t, "get "+key.String(), err, store.ErrInvalid)
		wantErr(t, "delete "+key.String(), b.Delete(within(t), key, store.Any), store.ErrInvalid)
	}
	_, err := b.Put(within(t), cred("a"), make([]byte, store.MaxValue+1), store.Write{})
	wantErr(t, "put a value that is too large", err, store.ErrInvalid)
	_, err = b.List(within(t), store.Key{Kind: store.KindSplit}, "")
	wantErr(t, "list a kind that is not listed", err, store.ErrInvalid)
	for _, cursor := range []store.Cursor{"x", "-1.", "64.", "1.*", "99999999999999999999.", "1"} {
		_, err = b.List(within(t), store.Key{Kind: store.KindCredential}, cursor)
		wantErr(t, "list from "+string(cursor), err, store.ErrInvalid)
	}
	_, err = b.Publish(within(t), "topic", make([]byte, store.MaxEvent+1))
	wantErr(t, "publish an event that is too large", err, store.ErrInvalid)
	_, err = b.Publish(within(t), "", nil)
	wantErr(t, "publish without topic", err, store.ErrInvalid)
}

func keepsStrangeIDsApart(t *testing.T, _ Subject, b store.Backend) {
	ids := []string{
		"a:b", "a", "b", "a}b", "{a}", "{a", "}", "{}", "\x00", "\x00\x00", "\r\n", "a\r\nDEL b", "*", "a*", "?", "[a]",
		" ", "é", "\xff\xfe", "#ids", "a#ids", strings.Repeat("{", 200),
		store.Frame("a", "b:c"), store.Frame("a:b", "c"), store.Frame("ab", "c"), store.Frame("a", "bc"),
	}
	kinds := []store.Kind{store.KindCredential, store.KindRevocation, store.KindSplit, store.KindLimit}
	for _, kind := range kinds {
		for _, id := range ids {
			on{t, b}.must(store.Key{Kind: kind, ID: id}, string(kind)+id, store.Write{If: store.Absent})
		}
	}
	for _, kind := range kinds {
		for _, id := range ids {
			wantValue(t, b, store.Key{Kind: kind, ID: id}, string(kind)+id)
		}
	}
}

func endsWithContext(t *testing.T, _ Subject, b store.Backend) {
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	_, err := b.Get(ctx, cred("a"))
	wantErr(t, "get", err, store.ErrUnavailable)
	_, err = b.Put(ctx, cred("a"), nil, store.Write{})
	wantErr(t, "put", err, store.ErrUnavailable)
	wantErr(t, "delete", b.Delete(ctx, cred("a"), store.Any), store.ErrUnavailable)
	_, err = b.Publish(ctx, "topic", nil)
	wantErr(t, "publish", err, store.ErrUnavailable)
	wantErr(t, "ping", b.Ping(ctx), store.ErrUnavailable)
	wantAbsent(t, b, cred("a"))
}

func closedIsUnavailable(t *testing.T, b store.Backend) {
	on{t, b}.must(cred("a"), "v", store.Write{})
	head, err := b.Head(within(t))
	wantErr(t, "head", err, nil)
	done := make(chan error, 1)
	seen := newFollower()
	go func() { done <- b.Subscribe(within(t), head, seen) }()
	seen.contact(t)
	wantErr(t, "close", b.Close(), nil)
	wantErr(t, "subscription", receive(t, done), store.ErrUnavailable)
	_, err = b.Get(within(t), cred("a"))
	wantErr(t, "get", err, store.ErrUnavailable)
	_, err = b.Put(within(t), cred("a"), []byte("w"), store.Write{})
	wantErr(t, "put", err, store.ErrUnavailable)
	_, err = b.List(within(t), store.Key{Kind: store.KindCredential}, "")
	wantErr(t, "list", err, store.ErrUnavailable)
	_, err = b.Publish(within(t), "topic", bytes.Repeat([]byte("e"), 10))
	wantErr(t, "publish", err, store.ErrUnavailable)
	wantErr(t, "ping", b.Ping(within(t)), store.ErrUnavailable)
	wantErr(t, "close again", b.Close(), nil)
}
