package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

func cred(id string) store.Key { return store.Key{Kind: store.KindCredential, ID: id} }

func put(t *testing.T, s *file.Store, key store.Key, value string, expires time.Time) store.Version {
	t.Helper()
	v, err := s.Put(t.Context(), key, []byte(value), store.Write{Expires: expires})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// inLog changes the log of a store that nobody has open.
func inLog(t *testing.T, dir string, do func(tx *bolt.Tx) error) {
	t.Helper()
	log, err := bolt.Open(filepath.Join(dir, "store.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.Update(do), log.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestKeptOverRestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	soon := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	old := put(t, s, cred("a"), "one", time.Time{})
	put(t, s, cred("a"), "two", soon)
	put(t, s, cred("gone"), "x", soon)
	if err := s.Delete(t.Context(), cred("gone"), store.Any); err != nil {
		t.Fatal(err)
	}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, file.Options{})
	defer s.Close()
	r, err := s.Get(t.Context(), cred("a"))
	if err != nil || string(r.Value) != "two" || !r.Expires.Equal(soon) {
		t.Errorf("got %q until %v (%v)", r.Value, r.Expires, err)
	}
	if _, err := s.Get(t.Context(), cred("gone")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if v := put(t, s, cred("a"), "three", time.Time{}); v <= r.Version || r.Version <= old {
		t.Errorf("versions %d, %d, %d: a later write must have a later one, over a restart too", old, r.Version, v)
	}
	// Events are not kept: a position of an earlier life is a gap.
	if err := s.Subscribe(t.Context(), head, nil); !errors.Is(err, store.ErrGap) {
		t.Errorf("subscribe from an earlier life: %v", err)
	}
}

// TestUnreadableRecords: what another tollgate, or nobody's, wrote is a miss
// that is counted, is not written over by a create, and is still there.
func TestUnreadableRecords(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	put(t, s, cred("ours"), "v", time.Time{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newer := append([]byte{store.Format + 1}, bytes.Repeat([]byte{7}, 40)...)
	inLog(t, dir, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("forever"))
		hour, err := tx.CreateBucketIfNotExists([]byte(fmt.Sprintf("until.%012d", time.Now().Unix()/3600+2)))
		if err != nil {
			return err
		}
		_, err = tx.CreateBucketIfNotExists([]byte("later"))
		return errors.Join(err, b.Put([]byte("cred\x00newer"), newer), b.Put([]byte("cred\x00empty"), nil),
			hour.Put([]byte("cred\x00hourly"), newer), b.Put([]byte("no key"), newer), b.Put([]byte("other\x00kind"), newer))
	})
	missed := make(map[store.Kind]int)
	s = open(t, dir, file.Options{Hooks: store.Hooks{Unreadable: func(k store.Kind) { missed[k]++ }}})
	if missed["unknown"] != 2 {
		t.Errorf("%d foreign keys counted at the start, want 2", missed["unknown"])
	}
	for _, id := range []string{"newer", "empty", "hourly"} {
		before := missed[store.KindCredential]
		if _, err := s.Get(t.Context(), cred(id)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("get of %s: %v", id, err)
		}
		if missed[store.KindCredential] != before+1 {
			t.Errorf("%s was not counted", id)
		}
		_, err := s.Put(t.Context(), cred(id), []byte("v"), store.Write{If: store.Absent})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("create over %s: %v", id, err)
		}
	}
	if got := contents(t, s); len(got) != 1 || got["ours"] != "v" {
		t.Errorf("listed %q", got)
	}
	put(t, s, cred("empty"), "on purpose", time.Time{})
	put(t, s, cred("hourly"), "on purpose", time.Time{})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	inLog(t, dir, func(tx *bolt.Tx) error {
		if got := tx.Bucket([]byte("forever")).Get([]byte("cred\x00newer")); !bytes.Equal(got, newer) {
			t.Errorf("the newer record was changed to %q", got)
		}
		return nil
	})
	s = open(t, dir, file.Options{})
	defer s.Close()
	if got := contents(t, s); len(got) != 3 {
		t.Errorf("after a restart: %q", got)
	}
}

func TestRefusedDirectories(t *testing.T) {
	foreign := func(t *testing.T, dir string, content []byte) {
		if err := os.WriteFile(filepath.Join(dir, "store.db"), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := map[string]struct {
		make func(t *testing.T, dir string)
		want string
	}{
		"another format": {func(t *testing.T, dir string) {
			if err := open(t, dir, file.Options{}).Close(); err != nil {
				t.Fatal(err)
			}
			inLog(t, dir, func(tx *bolt.Tx) error {
				return tx.Bucket([]byte("tollgate")).Put([]byte("format"), []byte("2"))
			})
		}, `written by another tollgate (format "2"; this one reads "1")`},
		"somebody else's bbolt": {func(t *testing.T, dir string) {
			inLog(t, dir, func(tx *bolt.Tx) error {
				_, err := tx.CreateBucket([]byte("their data"))
				return err
			})
		}, "not one of tollgate's"},
		"text":  {func(t *testing.T, dir string) { foreign(t, dir, []byte("hello")) }, "damaged"},
		"zeros": {func(t *testing.T, dir string) { foreign(t, dir, make([]byte, 1<<20)) }, "damaged"},
		"noise": {func(t *testing.T, dir string) {
			noise := make([]byte, 1<<20)
			_, _ = rand.NewChaCha8([32]byte{1}).Read(noise) // never fails
			foreign(t, dir, noise)
		}, "damaged"},
		"damaged pages": {func(t *testing.T, dir string) {
			s := open(t, dir, file.Options{})
			for i := range 200 {
				put(t, s, cred(fmt.Sprint(i)), strings.Repeat("v", 500), time.Time{})
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			all, err := os.ReadFile(filepath.Join(dir, "store.db"))
			if err != nil {
				t.Fatal(err)
			}
			for i := 2 * os.Getpagesize(); i < len(all); i++ {
				all[i] ^= 0x5a
			}
			foreign(t, dir, all)
		}, "damaged"},
		"a directory in its place": {func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, "store.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "no regular file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.make(t, dir)
			before, _ := os.ReadFile(filepath.Join(dir, "store.db"))
			for range 2 { // a refusal leaves nothing behind that the next one trips over
				s, err := file.Open(dir, file.Options{})
				if err == nil {
					s.Close()
					t.Fatal("opened")
				}
				if !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "store file:"+dir) {
					t.Errorf("%v", err)
				}
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "store.db")); !bytes.Equal(before, after) {
				t.Error("the refused file was changed")
			}
		})
	}
	t.Run("a file in place of the directory", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := file.Open(path, file.Options{}); err == nil {
			t.Error("opened")
		}
	})
}

// TestRandomDamage opens logs with damage anywhere: whatever happens is an
// error or a store that serves, never the end of the process.
func TestRandomDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	for i := range 300 {
		put(t, s, cred(fmt.Sprint(i)), strings.Repeat("v", 300), time.Now().Add(time.Duration(1+i%5)*time.Hour))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(whole, "\x00"))
	r := rand.New(rand.NewPCG(7, 7))
	refused := 0
	for range 60 {
		damaged := bytes.Clone(whole[:used+os.Getpagesize()])
		at := r.IntN(used)
		for i := range damaged[at:min(used, at+1+r.IntN(64))] {
			damaged[at+i] ^= byte(1 + r.IntN(255))
		}
		if err := os.WriteFile(filepath.Join(dir, "store.db"), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := file.Open(dir, file.Options{})
		if err != nil {
			refused++
			continue
		}
		_, err = s.Put(t.Context(), cred("new"), []byte("v"), store.Write{})
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a write to a damaged store: %v", err)
		}
		contents(t, s)
		if err := s.Close(); err != nil {
			t.Logf("close: %v", err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused: the damage did not reach anything")
	}
}

// TestDropsPastHours: what expires within one hour leaves the log as a whole, a
// while after the hour has passed.
func TestDropsPastHours(t *testing.T) {
	dir := t.TempDir()
	start := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) file.Options {
		return file.Options{Now: func() time.Time { return start.Add(d) }}
	}
	s := open(t, dir, at(0))
	for i := range 300 {
		put(t, s, cred(fmt.Sprintf("first hour %d", i)), "v", start.Add(time.Duration(i)*time.Second+time.Second))
	}
	put(t, s, cred("second hour"), "v", start.Add(90*time.Minute))
	put(t, s, cred("moved"), "v", start.Add(time.Minute))
	put(t, s, cred("moved"), "w", time.Time{})
	put(t, s, cred("moved back"), "v", time.Time{})
	put(t, s, cred("moved back"), "w", start.Add(time.Minute))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	hour := func(n int64) string { return fmt.Sprintf("until.%012d", start.Unix()/3600+n) }
	for _, step := range []struct {
		after   time.Duration
		buckets []string
		records int
	}{
		{30 * time.Second, []string{"forever", "tollgate", hour(0), hour(1)}, 300 - 30 + 3},
		{60*time.Minute + 30*time.Second, []string{"forever", "tollgate", hour(0), hour(1)}, 2},
		{62 * time.Minute, []string{"forever", "tollgate", hour(1)}, 2},
		{3 * time.Hour, []string{"forever", "tollgate"}, 1},
	} {
		s := open(t, dir, at(step.after))
		if got := contents(t, s); len(got) != step.records || got["moved"] != "w" {
			t.Errorf("after %v: %d records, want %d", step.after, len(got), step.records)
		}
		put(t, s, cred("moved"), "w", time.Time{}) // waits for what is done at the start
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		var buckets []string
		inLog(t, dir, func(tx *bolt.Tx) error {
			return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
				buckets = append(buckets, string(name))
				return nil
			})
		})
		if diff := cmp.Diff(step.buckets, buckets); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", step.after, diff)
		}
	}
}

func TestFullMemory(t *testing.T) {
	s := open(t, t.TempDir(), file.Options{MaxBytes: 10 << 10})
	defer s.Close()
	refused := 0
	for i := range 100 {
		_, err := s.Put(t.Context(), cred(fmt.Sprint(i)), make([]byte, 300), store.Write{})
		if errors.Is(err, store.ErrUnavailable) {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused < 70 || refused > 80 {
		t.Errorf("%d of 100 records of 428 bytes refused by a store of 10 KiB", refused)
	}
	if err := s.Delete(t.Context(), cred("0"), store.Any); err != nil {
		t.Fatal(err)
	}
	put(t, s, cred("x"), "fits again", time.Time{})
}

func TestCanceledWhileWaiting(t *testing.T) {
	s := open(t, t.TempDir(), file.Options{})
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, cred("a"), nil, store.Write{}); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
