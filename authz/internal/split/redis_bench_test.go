package split

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/seal"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

func onRedis(b *testing.B, server *storetest.Redis) *redis.Store {
	b.Helper()
	address, err := store.ParseURL(server.URL())
	if err != nil {
		b.Fatal(err)
	}
	s, err := redis.Open(redis.Options{Address: address, Timeout: 10 * time.Second})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// random gives so many random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never returns an error
	return b
}

func uuid() string {
	b := random(16)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// provided is a token of about 1,300 characters as a provider issues it: every name
// and number of its own, and a signature of RS256, which is random to who has no key.
func provided(tb testing.TB) *jws.Token {
	tb.Helper()
	issued := 1_900_000_000 + int(random(1)[0])*100
	encode := base64.RawURLEncoding.EncodeToString
	name := base64.RawURLEncoding.EncodeToString(random(6))
	payload := fmt.Sprintf(`{"exp":%d,"iat":%d,"auth_time":%d,"jti":%q,"iss":"https://id.example.com/realms/shop","aud":["orders","account"],`+
		`"sub":%q,"typ":"Bearer","azp":"shop-frontend","sid":%q,"acr":"1",`+
		`"realm_access":{"roles":["default-roles-shop","offline_access","uma_authorization","buyer"]},`+
		`"scope":"openid profile email orders:read orders:write",`+
		`"email_verified":true,"name":%q,"preferred_username":%q,"given_name":%q,"email":%q,"customer":%q}`,
		issued+3600, issued, issued-5, uuid(), uuid(), uuid(), name+" Example", name, name, name+"@example.com", encode(random(20)))
	head := encode([]byte(`{"alg":"RS256","typ":"JWT","kid":"xYQm6Zp0m9F8c1bq3hV2JtVbS4d5aWkXr7Ue0LoN1sA"}`))
	token, err := jws.Parse(head+"."+encode([]byte(payload))+"."+encode(random(256)), 0)
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// BenchmarkRedisMemory measures what a split token costs Redis, everything included,
// beside the token itself kept as it is under a key of 32 bytes.
func BenchmarkRedisMemory(b *testing.B) {
	count := 20_000
	if os.Getenv("TOLLGATE_LONG") == "1" {
		count = 200_000
	}
	server := storetest.StartRedis(b, storetest.RedisBinary(b))
	s := onRedis(b, server)
	ring, err := seal.New(seal.NewKey("k"))
	if err != nil {
		b.Fatal(err)
	}
	splitter := New(Options{Store: s, Keyring: ring, Budget: 10 * time.Second})
	until := time.Now().Add(time.Hour)
	kinds := map[string]func(ctx context.Context, token *jws.Token) error{
		"split": func(ctx context.Context, token *jws.Token) error {
			_, err := splitter.Store(ctx, token, until)
			return err
		},
		"whole": func(ctx context.Context, token *jws.Token) error {
			_, err := s.Put(ctx, store.Key{Kind: store.KindSplit, ID: string(random(32))}, []byte(whole(token)), store.Write{Expires: until})
			return err
		},
	}
	for _, kind := range []string{"split", "whole"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				server.Do(b, "FLUSHALL")
				before := server.Number(b, "used_memory")
				var all sync.WaitGroup
				var characters atomic.Int64
				for range 16 {
					all.Go(func() {
						for range count / 16 {
							token := provided(b)
							characters.Add(int64(len(whole(token))))
							if err := kinds[kind](b.Context(), token); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
				n, ok := server.Do(b, "DBSIZE").(int64)
				if !ok || n != int64(count) {
					b.Fatalf("%d records of %d", n, count)
				}
				b.ReportMetric(float64(server.Number(b, "used_memory")-before)/float64(count), "B/token")
				b.ReportMetric(float64(characters.Load())/float64(count), "token-chars")
				b.ReportMetric(float64(count), "tokens")
			}
		})
	}
}

// bare asks Redis over one connection, without any library between.
type bare struct {
	net.Conn
	in   *bufio.Reader
	read []byte
}

func newBare(b *testing.B, addr string) *bare {
	b.Helper()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &bare{Conn: conn, in: bufio.NewReader(conn), read: make([]byte, 64<<10)}
}

// get asks and reads the answer, nothing more.
func (c *bare) get(command []byte) error {
	if _, err := c.Write(command); err != nil {
		return err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < 0 {
		return fmt.Errorf("no such record: %w", err)
	}
	_, err = io.ReadFull(c.in, c.read[:n+2])
	return err
}

// BenchmarkRedisLookUp measures a look-up that no replica remembers beside a bare
// GET of the same records and the store's own Get, in turns: CPU of this process
// and its ratio to the bare GET (median of the turns), and the time of one.
func BenchmarkRedisLookUp(b *testing.B) {
	const records, turns = 2000, 15
	server := storetest.StartRedis(b, storetest.RedisBinary(b))
	s := onRedis(b, server)
	ring, err := seal.New(seal.NewKey("k"))
	if err != nil {
		b.Fatal(err)
	}
	splitter := New(Options{Store: s, Keyring: ring, Budget: 10 * time.Second})
	var halves []string
	var keys []store.Key
	var commands [][]byte
	layout := store.Layout{Prefix: "tollgate"}
	for range records {
		token := provided(b)
		text, err := splitter.Store(b.Context(), token, time.Now().Add(time.Hour))
		if err != nil {
			b.Fatal(err)
		}
		key := placeOf(ring.Derive(purpose, token.Signature())).key()
		name := layout.Name(key)
		halves, keys = append(halves, text), append(keys, key)
		commands = append(commands, fmt.Appendf(nil, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(name), name))
	}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			conns := make([]*bare, callers)
			for i := range conns {
				conns[i] = newBare(b, server.Addr())
			}
			kinds := []func(caller, n int) error{
				func(caller, n int) error { return conns[caller].get(commands[n]) },
				func(_, n int) error { _, err := s.Get(b.Context(), keys[n]); return err },
				func(_, n int) error { _, err := splitter.Restore(b.Context(), halves[n]); return err },
			}
			calls := max(b.N/(turns*len(kinds)), callers)
			cpu, wall, ratios := make([][]float64, 3), make([][]float64, 3), make([][]float64, 3)
			for turn := range turns {
				spent, took := make([]float64, 3), make([]float64, 3)
				for i := range kinds {
					i = (i + turn) % len(kinds)
					at, began := used(b), time.Now()
					var all sync.WaitGroup
					for caller := range callers {
						all.Go(func() {
							for n := caller; n < calls; n += callers {
								if err := kinds[i](caller, n%records); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					all.Wait()
					spent[i], took[i] = float64(used(b)-at)/float64(calls), float64(time.Since(began))/float64(calls)
				}
				for i := range kinds {
					cpu[i], wall[i] = append(cpu[i], spent[i]), append(wall[i], took[i])
					ratios[i] = append(ratios[i], took[i]/took[0])
				}
			}
			for i, name := range []string{"bare", "get", "lookup"} {
				b.ReportMetric(median(cpu[i])/1000, name+"-cpu-us")
				b.ReportMetric(median(wall[i])/1000, name+"-us")
				b.ReportMetric(median(ratios[i]), name+"/bare")
			}
			b.ReportMetric(0, "ns/op") // of all three together: says nothing
		})
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// used is the CPU time of this process.
func used(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOpen measures the parts of a look-up that are not Redis.
func BenchmarkOpen(b *testing.B) {
	ring, err := seal.New(seal.NewKey("k"))
	if err != nil {
		b.Fatal(err)
	}
	token := provided(b)
	p := placeOf(ring.Derive(purpose, token.Signature()))
	record, err := p.seal(token.Signed(), time.Now().Add(time.Hour))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("derive", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			placeOf(ring.Derive(purpose, token.Signature()))
		}
	})
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := p.open(record, jws.DefaultMaxBytes); err != nil {
				b.Fatal(err)
			}
		}
	})
}
