package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
)

// BenchmarkWarmSplitCheck measures whole checks of a running gate: of a half beside
// its whole token, in turns, with the whole token in the answer for the upstream and
// with headers only. CPU is that of the gate's process; the ratio is the median of
// the turns.
func BenchmarkWarmSplitCheck(b *testing.B) {
	for _, upstream := range []string{"jwt", "headers"} {
		g := newBenchGate(b, "RS256", upstream)
		for _, inFlight := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/in_flight=%d", upstream, inFlight), func(b *testing.B) {
				const turns = 21
				calls := max(b.N/(2*turns), inFlight)
				var cpu [2][]float64
				var ratios []float64
				for turn := range turns {
					var spent [2]float64
					for i := range 2 {
						i = (i + turn) % 2
						before := g.cpu(b)
						g.ask(b, g.questions[i], inFlight, calls)
						spent[i] = float64(g.cpu(b)-before) / float64(calls) / 1000
						cpu[i] = append(cpu[i], spent[i])
					}
					ratios = append(ratios, spent[1]/spent[0])
				}
				b.ReportMetric(middle(cpu[0]), "jwt-cpu-us")
				b.ReportMetric(middle(cpu[1]), "split-cpu-us")
				b.ReportMetric(middle(ratios), "split/jwt")
				b.ReportMetric(0, "ns/op") // of both together: says nothing
			})
		}
	}
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// benchGate is a gate that has seen one token, whole and as a half.
type benchGate struct {
	process   *demo.Process
	client    *envoy.Client
	questions [2]envoy.Question // whole, half
}

func newBenchGate(b *testing.B, alg, upstream string) *benchGate {
	b.Helper()
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	key, err := tokens.Generate(alg, "bench-1")
	if err != nil {
		b.Fatal(err)
	}
	set, err := tokens.JWKS(key)
	if err != nil {
		b.Fatal(err)
	}
	dir, m := b.TempDir(), newMint(b, key)
	m.more = map[string]any{"scope": "openid profile email orders:read orders:write", "groups": []string{strings.Repeat("g", 440)}}
	text := strings.NewReplacer("STORE", `store: "memory:"`, "ENDPOINT", m.address, "split: required", "split: {mode: allowed, upstream: "+upstream+"}").Replace(minting)
	for name, content := range map[string]string{"tollgate.yaml": text, "keys.json": string(set)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	g := &benchGate{}
	g.process, err = demo.Start(demo.Command{Path: path, Args: []string{"serve", "--config", filepath.Join(dir, "tollgate.yaml")}, Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { end(g.process) })
	ctx, cancel := context.WithTimeout(b.Context(), startup)
	defer cancel()
	check, err := g.process.AwaitLine(ctx, "listening check ")
	if err != nil {
		b.Fatal(err)
	}
	public, err := g.process.AwaitLine(ctx, "listening public ")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := g.process.AwaitLine(ctx, "ready"); err != nil {
		b.Fatal(err)
	}
	half, status, _, err := issue(ctx, "http://"+strings.TrimPrefix(public, "listening public "))
	if err != nil || half == "" {
		b.Fatalf("/token: %d %v", status, err)
	}
	conn, err := grpc.NewClient("passthrough:///"+strings.TrimPrefix(check, "listening check "), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	g.client = envoy.NewClient(conn)
	for i, credential := range []string{m.made[0], half} {
		g.questions[i] = envoy.Prepare(&envoy.HTTP{
			Method: "GET", Scheme: "https", Host: "api.example.com", Target: "/orders/4711?expand=lines", Source: "192.0.2.7",
			Headers: append(slices.Clone(usualHeaders()), envoy.Field{Name: "authorization", Value: "Bearer " + credential}),
		})
		g.ask(b, g.questions[i], 1, 20)
	}
	b.Logf("%s: a token of %d characters, a half of %d", alg, len(m.made[0]), len(half))
	return g
}

// usualHeaders are those of a browser behind Envoy.
func usualHeaders() []envoy.Field {
	out := []envoy.Field{{Name: "user-agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}}
	for i := range 15 {
		out = append(out, envoy.Field{Name: fmt.Sprintf("x-browser-header-%d", i), Value: "some value of a usual length"})
	}
	return out
}

// ask makes calls; each must be allowed.
func (g *benchGate) ask(b *testing.B, q envoy.Question, inFlight, calls int) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range inFlight {
		all.Go(func() {
			for next.Add(1) <= int64(calls) {
				if got, err := g.client.Ask(b.Context(), q); err != nil || !got.Allowed {
					b.Errorf("not allowed: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}

// cpu is what all threads of the gate have used.
func (g *benchGate) cpu(b *testing.B) time.Duration {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", g.process.PID()))
	if err != nil || len(threads) == 0 {
		b.Fatalf("no threads: %v", err)
	}
	var sum int64
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // a thread that has ended since
		}
		var ran int64
		if _, err := fmt.Sscan(string(text), &ran); err != nil {
			b.Fatal(err)
		}
		sum += ran
	}
	return time.Duration(sum)
}
