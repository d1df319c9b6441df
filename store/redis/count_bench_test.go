package redis_test

import (
	"context"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// benchIDs is how many sessions the benchmarks count for.
const benchIDs = 10_000

// rateAndQuota is what a policy usually has.
func rateAndQuota() []limit.Limit {
	return []limit.Limit{
		limit.New(limit.Spec{ID: limit.ID{1}, Requests: 1 << 30, Per: time.Minute}),
		limit.New(limit.Spec{ID: limit.ID{2}, Algorithm: limit.Quota, Requests: 1 << 40, Per: 24 * time.Hour}),
	}
}

// BenchmarkCount measures one check of a rate and a quota with so many callers in
// flight, beside what other gates send for the same: two fixed windows of a key
// each, and a sorted set with one member a request. It reports the CPU of the
// server and of the client per check.
func BenchmarkCount(b *testing.B) {
	ways := []struct {
		name string
		make func(r *storetest.Redis, s *redis.Store) func(ctx context.Context, id int) error
	}{
		{"tollgate", func(_ *storetest.Redis, s *redis.Store) func(context.Context, int) error {
			limits, ids := rateAndQuota(), benchNames()
			return func(ctx context.Context, id int) error {
				_, err := s.Count(ctx, ids[id], store.Take, &limit.Charge{Limits: limits, Cost: 1})
				return err
			}
		}},
		{"tollgate+all-callers", func(_ *storetest.Redis, s *redis.Store) func(context.Context, int) error {
			limits, ids := rateAndQuota(), benchNames()
			shared := limits[:1]
			return func(ctx context.Context, id int) error {
				own := store.Part{ID: ids[id], Charge: &limit.Charge{Limits: limits, Cost: 1}}
				all := store.Part{ID: "all callers", Charge: &limit.Charge{Limits: shared, Cost: 1}}
				s.CountBoth(ctx, &own, &all)
				return own.Err
			}
		}},
		{"two fixed windows", func(r *storetest.Redis, _ *redis.Store) func(context.Context, int) error {
			c := goredis.NewClient(&goredis.Options{Addr: r.Addr(), PoolSize: 64})
			b.Cleanup(func() { c.Close() })
			return func(ctx context.Context, id int) error {
				now := time.Now().Unix()
				_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
					for _, w := range []int64{60, 86400} {
						key := "w:" + strconv.Itoa(id) + ":" + strconv.FormatInt(now/w*w, 10)
						p.IncrBy(ctx, key, 1)
						p.Expire(ctx, key, time.Duration(w)*time.Second)
					}
					return nil
				})
				return err
			}
		}},
		{"sorted set log+quota", func(r *storetest.Redis, _ *redis.Store) func(context.Context, int) error {
			c := goredis.NewClient(&goredis.Options{Addr: r.Addr(), PoolSize: 64})
			b.Cleanup(func() { c.Close() })
			var unique atomic.Int64
			return func(ctx context.Context, id int) error {
				key, now := "z:"+strconv.Itoa(id), time.Now().UnixNano()
				_, err := c.TxPipelined(ctx, func(p goredis.Pipeliner) error {
					p.ZRemRangeByScore(ctx, key, "-inf", strconv.FormatInt(now-int64(time.Minute), 10))
					p.ZCard(ctx, key)
					p.ZAdd(ctx, key, goredis.Z{Score: float64(now), Member: strconv.FormatInt(now+unique.Add(1), 10)})
					p.Expire(ctx, key, time.Minute)
					return nil
				})
				if err != nil {
					return err
				}
				if err := c.PTTL(ctx, "q:"+key).Err(); err != nil {
					return err
				}
				return c.Incr(ctx, "q:"+key).Err()
			}
		}},
	}
	for _, way := range ways {
		for _, flight := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d in flight", way.name, flight), func(b *testing.B) {
				r := storetest.StartRedis(b, storetest.RedisBinary(b))
				s := open(b, r.URL())
				measureCPU(b, r, flight, way.make(r, s))
			})
		}
	}
}

func benchNames() []string {
	ids := make([]string, benchIDs)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016d", i)
	}
	return ids
}

// measureCPU makes b.N checks and reports the CPU time of both sides. The collector
// is set as serve sets it, for all ways alike.
func measureCPU(b *testing.B, r *storetest.Redis, flight int, check func(context.Context, int) error) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	ctx := b.Context()
	for i := range 200 { // connections and scripts
		if err := check(ctx, i); err != nil {
			b.Fatal(err)
		}
	}
	server, client := serverCPU(b, r), clientCPU(b)
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range flight {
		all.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					return
				}
				if err := check(ctx, int(n*7919%benchIDs)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64((serverCPU(b, r)-server).Nanoseconds())/1000/n, "redis-us/op")
	b.ReportMetric(float64((clientCPU(b)-client).Nanoseconds())/1000/n, "client-us/op")
}

func serverCPU(tb testing.TB, r *storetest.Redis) time.Duration {
	tb.Helper()
	var sum time.Duration
	for _, field := range []string{"used_cpu_user", "used_cpu_sys"} {
		d, err := time.ParseDuration(strings.TrimSpace(r.Info(tb, field)) + "s")
		if err != nil {
			tb.Fatal(err)
		}
		sum += d
	}
	return sum
}

func clientCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMemory measures what one session costs a Redis, with everything around
// its record: beside two keys of fixed windows, and a sorted set of the last 100
// requests with a quota.
func BenchmarkMemory(b *testing.B) {
	const sessions = 20_000
	ways := []struct {
		name string
		fill func(ctx context.Context, s *redis.Store, c *goredis.Client, id int) error
	}{
		{"tollgate", func(ctx context.Context, s *redis.Store, _ *goredis.Client, id int) error {
			_, err := s.Count(ctx, fmt.Sprintf("%016d", id), store.Take, &limit.Charge{Limits: rateAndQuota(), Cost: 1})
			return err
		}},
		{"two fixed windows", func(ctx context.Context, _ *redis.Store, c *goredis.Client, id int) error {
			_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
				for _, w := range []int64{60, 86400} {
					key := fmt.Sprintf("tollgate:lim:%022d:%d", id, time.Now().Unix()/w*w)
					p.IncrBy(ctx, key, 1)
					p.Expire(ctx, key, 24*time.Hour)
				}
				return nil
			})
			return err
		}},
		{"sorted set log of 100+quota", func(ctx context.Context, _ *redis.Store, c *goredis.Client, id int) error {
			_, err := c.Pipelined(ctx, func(p goredis.Pipeliner) error {
				key, now := fmt.Sprintf("tollgate:lim:%022d", id), time.Now().UnixNano()
				members := make([]goredis.Z, 100)
				for i := range members {
					members[i] = goredis.Z{Score: float64(now + int64(i)*1000), Member: strconv.FormatInt(now+int64(i)*1000, 10)}
				}
				p.ZAdd(ctx, key, members...)
				p.Expire(ctx, key, 24*time.Hour)
				p.Set(ctx, "quota:"+key, 1, 24*time.Hour)
				return nil
			})
			return err
		}},
	}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				r := storetest.StartRedis(b, storetest.RedisBinary(b))
				s := open(b, r.URL())
				c := goredis.NewClient(&goredis.Options{Addr: r.Addr()})
				if err := way.fill(b.Context(), s, c, sessions); err != nil { // connections, scripts
					b.Fatal(err)
				}
				before := r.Number(b, "used_memory")
				for id := range sessions {
					if err := way.fill(b.Context(), s, c, id); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(r.Number(b, "used_memory")-before)/sessions, "redis-B/session")
				c.Close()
			}
		})
	}
}
