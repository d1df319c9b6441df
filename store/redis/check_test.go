package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

func findings(t *testing.T, s *redis.Store) string {
	t.Helper()
	found, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range found {
		fmt.Fprintf(&all, "%s %s: %s\n", f.Severity, f.Subject, f.Text)
	}
	return all.String()
}

func wantFinding(t *testing.T, s *redis.Store, how store.Severity, text string) {
	t.Helper()
	all := findings(t, s)
	for line := range strings.Lines(all) {
		if strings.HasPrefix(line, string(how)) && strings.Contains(line, text) {
			return
		}
	}
	t.Errorf("no %s %q in\n%s", how, text, all)
}

func TestCheck(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t), "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	s := open(t, r.URL())
	wantFinding(t, s, store.Fact, "Redis "+r.Info(t, "redis_version"))
	wantFinding(t, s, store.Fact, "median")
	wantFinding(t, s, store.Warning, "set noeviction")
	wantFinding(t, s, store.Warning, "no persistence")
	wantFinding(t, s, store.Warning, "no replica")
	r.Do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	r.Do(t, "CONFIG", "SET", "appendonly", "yes")
	r.Do(t, "CONFIG", "SET", "appendfsync", "always")
	wantFinding(t, s, store.Fact, "appendfsync always")
	if all := findings(t, s); strings.Contains(all, "noeviction;") || strings.Contains(all, "no persistence") || strings.Contains(all, "problem") {
		t.Errorf("after setting it right:\n%s", all)
	}
	r.Do(t, "CONFIG", "SET", "appendfsync", "no")
	wantFinding(t, s, store.Warning, "appendfsync no")
	wantFinding(t, open(t, strings.Replace(r.URL(), "redis:", "redis+cluster:", 1)), store.Problem, "not a node of a cluster")
	r.Do(t, "ACL", "SETUSER", "default", "-config")
	wantFinding(t, s, store.Fact, "CONFIG GET is not allowed")
	r.Kill()
	if _, err := s.Check(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("check of a server that is gone: %v", err)
	}
}

func TestCheckAddress(t *testing.T) {
	for url, want := range map[string]int{
		"redis://203.0.113.1": 2, "rediss://203.0.113.1": 1, "rediss://:p@203.0.113.1": 0, "redis://localhost": 0, "redis://[::1]": 0,
	} {
		if got := len(redis.CheckAddress(open(t, url))); got != want {
			t.Errorf("%s: %d warnings, want %d", url, got, want)
		}
	}
}

// TestForeignValues: what others have written under our names is a miss that is
// counted, no create goes over it, and it stays.
func TestForeignValues(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	var missed atomic.Int64
	s := open(t, r.URL(), func(o *redis.Options) { o.Hooks.Unreadable = func(store.Kind) { missed.Add(1) } })
	names := store.Layout{Prefix: "tollgate"}
	newer := string(append([]byte{store.Format + 1}, make([]byte, 40)...))
	write := map[string]func(name string){
		"text":  func(name string) { r.Do(t, "SET", name, "hello") },
		"empty": func(name string) { r.Do(t, "SET", name, "") },
		"newer": func(name string) { r.Do(t, "SET", name, newer) },
		"list":  func(name string) { r.Do(t, "RPUSH", name, "x") },
		"hash":  func(name string) { r.Do(t, "HSET", name, "x", "y") },
	}
	for id, do := range write {
		for _, key := range []store.Key{cred(id), split(id)} {
			do(names.Name(key))
			r.Do(t, "ZADD", names.Index(store.KindCredential, store.Partition(id)), "0", id)
			before := missed.Load()
			if _, err := s.Get(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("get of %s: %v", id, err)
			}
			if missed.Load() != before+1 {
				t.Errorf("%s was not counted", id)
			}
			for _, cond := range []store.Version{store.Absent, 1, 7} {
				_, err := s.Put(t.Context(), key, []byte("v"), store.Write{If: cond})
				if !errors.Is(err, store.ErrConflict) {
					t.Errorf("write over %s on condition %d: %v", id, cond, err)
				}
			}
			if err := s.Delete(t.Context(), key, 7); !errors.Is(err, store.ErrConflict) {
				t.Errorf("delete of %s on a version: %v", id, err)
			}
			if n, ok := r.Do(t, "EXISTS", names.Name(key)).(int64); !ok || n != 1 {
				t.Errorf("%s is gone", id)
			}
		}
	}
	page, err := s.List(t.Context(), cred(""), "")
	if err != nil || len(page.Items) != 0 {
		t.Errorf("%d foreign values listed (%v)", len(page.Items), err)
	}
	// A list of ids that is none, a feed that is none: errors, not answers.
	r.Do(t, "SET", names.Index(store.KindRevocation, 0), "x")
	if _, err := s.List(t.Context(), store.Key{Kind: store.KindRevocation}, ""); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("list from what is no list: %v", err)
	}
	r.Do(t, "SET", names.Stream(), "x")
	if _, err := s.Head(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("head of what is no feed: %v", err)
	}
	if _, err := s.Publish(t.Context(), "t", nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("publish to what is no feed: %v", err)
	}
}
