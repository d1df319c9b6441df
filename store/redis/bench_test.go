package redis_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// BenchmarkAgainstBareClient does what the store does with and without it: reads
// and writes of 840 bytes by a pooled go-redis client with its usual settings.
func BenchmarkAgainstBareClient(b *testing.B) {
	r := storetest.StartRedis(b, storetest.RedisBinary(b))
	s := open(b, r.URL())
	plain := goredis.NewClient(&goredis.Options{Addr: r.Addr(), Protocol: 2, PoolSize: 32})
	b.Cleanup(func() { plain.Close() })
	value := make([]byte, 840)
	const records = 1000
	for i := range records {
		if _, err := s.Put(b.Context(), split(fmt.Sprint(i)), value, store.Write{}); err != nil {
			b.Fatal(err)
		}
		if err := plain.Set(b.Context(), fmt.Sprintf("plain:%d", i), value, 0).Err(); err != nil {
			b.Fatal(err)
		}
	}
	calls := []struct {
		name string
		do   func(ctx context.Context, n int64) error
	}{
		{"get/bare", func(ctx context.Context, n int64) error {
			return plain.Get(ctx, fmt.Sprintf("plain:%d", n%records)).Err()
		}},
		{"get/store", func(ctx context.Context, n int64) error {
			_, err := s.Get(ctx, split(fmt.Sprint(n%records)))
			return err
		}},
		{"put/bare", func(ctx context.Context, n int64) error {
			return plain.Set(ctx, fmt.Sprintf("plain:%d", n%records), value, 0).Err()
		}},
		{"put/store", func(ctx context.Context, n int64) error {
			_, err := s.Put(ctx, split(fmt.Sprint(n%records)), value, store.Write{})
			return err
		}},
		{"put/store-listed", func(ctx context.Context, n int64) error {
			_, err := s.Put(ctx, cred(fmt.Sprint(n%records)), value, store.Write{})
			return err
		}},
	}
	for _, callers := range []int{1, 64} {
		for _, c := range calls {
			b.Run(fmt.Sprintf("%s/%d", c.name, callers), func(b *testing.B) { bench(b, callers, c.do) })
		}
	}
}

// bench lets b.N calls be made by so many callers and says what they cost this
// process, whatever else the machine does.
func bench(b *testing.B, callers int, do func(context.Context, int64) error) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	b.ReportAllocs()
	before := cpu(b)
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := do(b.Context(), n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkBytesPerRecord measures what a record costs a Redis: an id of 16
// bytes, a value of 160 bytes that expires.
func BenchmarkBytesPerRecord(b *testing.B) {
	r := storetest.StartRedis(b, storetest.RedisBinary(b))
	s := open(b, r.URL())
	for name, kind := range map[string]store.Kind{"split": store.KindSplit, "credential": store.KindCredential} {
		b.Run(name, func(b *testing.B) {
			const records = 20_000
			for b.Loop() {
				r.Do(b, "FLUSHALL")
				before := usedMemory(b, r)
				var all sync.WaitGroup
				for w := range 16 {
					all.Go(func() {
						for i := w; i < records; i += 16 {
							key := store.Key{Kind: kind, ID: fmt.Sprintf("%016x", uint64(i)*0x9E3779B97F4A7C15)}
							if _, err := s.Put(b.Context(), key, make([]byte, 160), store.Write{Expires: time.Now().Add(time.Hour)}); err != nil {
								b.Error(err)
							}
						}
					})
				}
				all.Wait()
				b.ReportMetric(float64(usedMemory(b, r)-before)/records, "B/record")
			}
		})
	}
}

func usedMemory(b *testing.B, r *storetest.Redis) int64 {
	b.Helper()
	var n int64
	if _, err := fmt.Sscan(r.Info(b, "used_memory"), &n); err != nil {
		b.Fatal(err)
	}
	return n
}
