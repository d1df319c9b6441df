package redis_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// TestMain looks for goroutines that are left over. That of go-redis which tries
// a dead server once a second sees only after its sleep that it has been closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// patient is a budget for tests of what is answered, not of when: the machine
// may be busy with other things.
const patient = 5 * time.Second

func open(tb testing.TB, url string, change ...func(*redis.Options)) *redis.Store {
	tb.Helper()
	a, err := store.ParseURL(url)
	if err != nil {
		tb.Fatal(err)
	}
	o := redis.Options{Address: a, Timeout: patient}
	for _, c := range change {
		c(&o)
	}
	s, err := redis.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return s
}

func cred(id string) store.Key  { return store.Key{Kind: store.KindCredential, ID: id} }
func split(id string) store.Key { return store.Key{Kind: store.KindSplit, ID: id} }

// rules runs the rules of package store; each gets keys of its own.
func rules(t *testing.T, url string, flush func()) {
	storetest.Run(t, storetest.Subject{
		Apart: strings.HasPrefix(url, "redis+cluster:"),
		Open: func(t *testing.T) store.Backend {
			flush()
			prefix := "t" + strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' {
					return r
				}
				return '.'
			}, t.Name()[len(t.Name())-min(20, len(t.Name())):])
			return open(t, url, func(o *redis.Options) { o.Prefix = prefix })
		},
	})
}

func TestRules(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		r := storetest.StartRedis(t, storetest.RedisBinary(t))
		rules(t, r.URL(), func() { r.Do(t, "FLUSHALL") })
	})
	t.Run("valkey", func(t *testing.T) {
		r := storetest.StartRedis(t, storetest.ValkeyBinary(t))
		rules(t, "redis+unix://"+r.Socket, func() { r.Do(t, "FLUSHALL") })
	})
	t.Run("cluster", func(t *testing.T) {
		c := storetest.StartCluster(t, storetest.RedisBinary(t))
		rules(t, c.URL(), func() {
			for _, node := range c.Primaries(t) {
				node.Do(t, "FLUSHALL")
			}
		})
	})
}
