package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/tollgate-authz/tollgate/envoy"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// counted has a policy for each sort of limit, by the name of the limit; STORE is
// where they are counted. The store has time: what is answered matters here, not
// when.
const counted = `
version: 1
listen: {check: "127.0.0.1:0"}
drain: {delay: 10ms, timeout: 25s}
store: {url: "STORE", timeout: 10s}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {claims: [pol], default: [none]}
  - id: rpc
    match: [{host: "*", path: /shop.Orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {claims: [pol], default: [none]}
  - id: crowd
    match: [{host: "*", path: /crowd}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {claims: [pol], default: [none]}
    limits: {rate: {requests: 6, per: 1h}}
policies:
  - {id: none, rate: {requests: 0, per: 1s}, access: {orders: {allow: all}}}
  - {id: rate, rate: {requests: 5, per: 1h}, access: {orders: {allow: all}, rpc: {allow: all}}}
  - {id: quota, quota: {requests: QUOTA, per: 24h}, access: {orders: {allow: all}, crowd: {allow: all}}}
  - id: entry
    rate: {requests: 50, per: 1h}
    access:
      orders:
        allow:
          - {methods: [GET], path: /orders/**}
          - {methods: [GET], path: /orders/slow, rate: {requests: 2, per: 1h}}
`

func countedIn(store string, quota int) string {
	return strings.NewReplacer("STORE", store, "QUOTA", fmt.Sprint(quota)).Replace(counted)
}

// caller is the header line with a token of subject under a policy.
func (w *world) caller(t *testing.T, subject, policy string) string {
	t.Helper()
	return "authorization: Bearer " + w.token(t, subject, map[string]any{"pol": policy})
}

// many sends a request so often, ten at once, and counts the answers by status and
// reason. headers of any answer that has it are kept by status.
func (w *world) many(t *testing.T, times int, line string, headers ...string) (answers map[string]int, last map[int]http.Header) {
	t.Helper()
	answers, last = map[string]int{}, map[int]http.Header{}
	var mu sync.Mutex
	var all sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(times))
	for range 10 {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				got, err := exchange(w.address, line, headers...)
				mu.Lock()
				if err != nil {
					answers[err.Error()]++
				} else {
					answers[strings.TrimSpace(fmt.Sprint(got.status, " ", got.reason()))]++
					last[got.status] = got.header
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return answers, last
}

func sameAnswers(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, expected %v", what, got, want)
	}
}

// TestLimitsThroughEnvoy: rates, quotas and limits of entries hold through a real
// Envoy before two replicas that share a Redis, and clients see them.
func TestLimitsThroughEnvoy(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.key = newKey(t, w.dir)
	file := w.write(t, "tollgate.yaml", countedIn(r.URL(), 7))
	gates := []*gate{startGate(t, file), startGate(t, file)}
	w.startFront(t, envoyconfig.Edge, gates[0].address, gates[1].address)
	until(t, w, 401)

	// Who is refused for another reason is not counted, and nothing is kept of it.
	w.many(t, 10, "GET /orders/1")
	w.many(t, 10, "GET /orders/1", "authorization: Bearer x.y.z")
	w.many(t, 10, "GET /crowd", w.caller(t, "eve", "rate"))
	w.many(t, 10, "GET /orders/1", w.caller(t, "eve", "none"))
	if keys, _ := r.Do(t, "KEYS", "tollgate:lim:*").([]any); len(keys) != 0 {
		t.Errorf("refused requests left %d counters", len(keys))
	}
	w.upstream.take()

	answers, last := w.many(t, 20, "GET /orders/1", w.caller(t, "alice", "rate"))
	sameAnswers(t, "rate", answers, map[string]int{"200": 5, "429 rate_limited": 15})
	if n := len(w.upstream.take()); n != 5 {
		t.Errorf("%d requests reached the upstream", n)
	}
	for status, header := range last {
		if header.Get("x-ratelimit-limit") != "5" || header.Get("x-ratelimit-remaining") == "" || header.Get("x-ratelimit-reset") == "" {
			t.Errorf("headers of %d: %v", status, header)
		}
		if (header.Get("retry-after") != "") != (status == 429) {
			t.Errorf("retry-after of %d: %q", status, header.Get("retry-after"))
		}
	}
	answers, _ = w.many(t, 20, "GET /orders/1", w.caller(t, "bob", "quota"))
	sameAnswers(t, "quota", answers, map[string]int{"200": 7, "429 quota_exceeded": 13})
	answers, _ = w.many(t, 10, "GET /orders/slow", w.caller(t, "carol", "entry"))
	sameAnswers(t, "entry", answers, map[string]int{"200": 2, "429 rate_limited": 8})
	answers, _ = w.many(t, 10, "GET /orders/quick", w.caller(t, "carol", "entry"))
	sameAnswers(t, "beside the entry", answers, map[string]int{"200": 10})
	for i := range 3 { // 6 of 9, whoever asks
		answers, _ = w.many(t, 3, "GET /crowd", w.caller(t, fmt.Sprint("caller ", i), "quota"))
		if want := min(3, 6-3*i); answers["200"] != want {
			t.Errorf("caller %d of all callers: %v", i, answers)
		}
	}
	w.clientOfGRPC(t)
}

// clientOfGRPC: a limit is a status of gRPC to its clients.
func (w *world) clientOfGRPC(t *testing.T) {
	t.Helper()
	conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, bearer, _ := strings.Cut(w.caller(t, "dora", "rate"), ": ")
	w.many(t, 5, "GET /orders/1", w.caller(t, "dora", "rate")) // all that she has
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", bearer)
	err = conn.Invoke(ctx, "/shop.Orders/Get", &emptypb.Empty{}, &emptypb.Empty{})
	if status.Code(err) != codes.ResourceExhausted || status.Convert(err).Message() != "Rate limit exceeded" {
		t.Errorf("%v", err)
	}
}

// asker asks gates directly, as Envoy does.
type asker struct {
	clients []*envoy.Client

	// reached is closed when target requests were allowed, or one was refused.
	target  int64
	reached chan struct{}
	once    sync.Once
}

func (a *asker) reach() {
	if a.reached != nil {
		a.once.Do(func() { close(a.reached) })
	}
}

func newAsker(t *testing.T, gates ...*gate) *asker {
	t.Helper()
	a := &asker{}
	for _, g := range gates {
		conn, err := grpc.NewClient("passthrough:///"+g.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		a.clients = append(a.clients, envoy.NewClient(conn))
	}
	return a
}

// outcomes are how often gates let a request through, refused it for a limit, and
// could not say in time: then it may have been charged.
type outcomes struct{ allowed, refused, unknown int64 }

// ask asks so often, many at once, all gates in turn.
func (a *asker) ask(ctx context.Context, times, atOnce int, header string) outcomes {
	_, bearer, _ := strings.Cut(header, ": ")
	question := envoy.Prepare(&envoy.HTTP{
		Method: "GET", Scheme: "http", Host: "api.example.com", Target: "/orders/1",
		Headers: []envoy.Field{{Name: "authorization", Value: bearer}},
	})
	var yes, no, unknown, next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(times) || ctx.Err() != nil {
					return
				}
				got, err := a.clients[n%int64(len(a.clients))].Ask(ctx, question)
				switch {
				case err != nil || got.Status == http.StatusServiceUnavailable:
					unknown.Add(1)
				case got.Allowed:
					if yes.Add(1) == a.target {
						a.reach()
					}
				default:
					no.Add(1)
					a.reach()
				}
			}
		})
	}
	all.Wait()
	return outcomes{yes.Load(), no.Load(), unknown.Load()}
}

// TestEightProcessesShareAQuota: eight processes on one Redis admit together
// exactly the quota.
func TestEightProcessesShareAQuota(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	quotas, rounds := []int{7, 1000}, 1
	if long() {
		quotas, rounds = []int{1, 7, 100, 1000}, 25
	}
	for _, n := range quotas {
		w := &world{dir: t.TempDir()}
		w.key = newKey(t, w.dir)
		file := w.write(t, "tollgate.yaml", countedIn(r.URL(), n))
		var gates []*gate
		for range 8 {
			gates = append(gates, startGate(t, file))
		}
		a := newAsker(t, gates...)
		late := int64(0)
		for round := range rounds {
			got := a.ask(t.Context(), n+800, 200, w.caller(t, fmt.Sprintf("caller %d of %d", round, n), "quota"))
			if got.allowed > int64(n) || got.allowed+got.unknown < int64(n) {
				t.Errorf("of a quota of %d: %+v", n, got)
			}
			late += got.unknown
		}
		for _, g := range gates {
			end(g.Process)
		}
		t.Logf("evidence: 8 processes on one Redis, 200 callers in flight: exactly %d admitted, %d times, but for %d calls that got no answer in time", n, rounds, late)
	}
}

// TestKilledGateAdmitsNoMore: a gate with an embedded store that is killed while
// it counts, again and again, admits at most the quota over all its lives.
func TestKilledGateAdmitsNoMore(t *testing.T) {
	const n, lives = 400, 4
	callers := 1
	if long() {
		callers = 15
	}
	w := &world{dir: t.TempDir()}
	w.key = newKey(t, w.dir)
	file := w.write(t, "tollgate.yaml", countedIn("file:"+filepath.Join(w.dir, "store"), n))
	all, lost, hit := int64(0), int64(0), 0
	for caller := range callers {
		bearer := w.caller(t, fmt.Sprint("caller ", caller), "quota")
		sum := int64(0)
		for life := range lives {
			g := startGate(t, file)
			a := newAsker(t, g)
			a.target, a.reached = int64(1+(caller+life)%7*7), make(chan struct{})
			ctx, cancel := context.WithTimeout(t.Context(), startup)
			done := make(chan outcomes)
			go func() { done <- a.ask(ctx, 100*n, 20, bearer) }()
			// Killed at another moment in each life, a quota for four of them.
			select {
			case <-a.reached:
			case <-ctx.Done():
				t.Fatalf("no answers in time:\n%s", g.Output())
			}
			end(g.Process)
			cancel()
			got := <-done
			sum += got.allowed
			if got.allowed > 0 && got.unknown > 0 {
				hit++
			}
		}
		// In its last life it may count to the end.
		g := startGate(t, file)
		last := newAsker(t, g).ask(t.Context(), 2*n, 20, bearer).allowed
		end(g.Process)
		sum += last
		all, lost = all+sum, lost+n-sum
		if sum > n {
			t.Errorf("%d admitted of a quota of %d", sum, n)
		}
	}
	t.Logf("evidence: killed %d times, %d of them while it counted: %d admitted of quotas of %d, %d permits lost", callers*(lives+1), hit, all, callers*n, lost)
	if hit == 0 {
		t.Error("no life ended while it counted: the test did not test")
	}
}

// TestOrderlyEndLosesNothing: what was counted in an embedded store is there again
// to the permit after SIGTERM.
func TestOrderlyEndLosesNothing(t *testing.T) {
	const n = 100
	w := &world{dir: t.TempDir()}
	w.key = newKey(t, w.dir)
	file := w.write(t, "tollgate.yaml", countedIn("file:"+filepath.Join(w.dir, "store"), n))
	bearer := w.caller(t, "alice", "quota")
	sum, late := int64(0), int64(0)
	for range 3 {
		g := startGate(t, file)
		got := newAsker(t, g).ask(t.Context(), 30, 10, bearer)
		sum, late = sum+got.allowed, late+got.unknown
		g.signal(t, syscall.SIGTERM)
		<-g.Ended()
		if code := g.Code(); code != 0 {
			t.Fatalf("exit %d:\n%s", code, g.Output())
		}
	}
	got := newAsker(t, startGate(t, file)).ask(t.Context(), 30, 10, bearer)
	late += got.unknown
	if all := sum + got.allowed; all > n || all+late < n || sum+late < 90 {
		t.Errorf("%d before and %+v after, of a quota of %d, %d without an answer", sum, got, n, late)
	}
}

// TestReloadBringsLimits: a gate that needed no store opens it when a
// configuration with limits comes.
func TestReloadBringsLimits(t *testing.T) {
	w := &world{dir: t.TempDir()}
	w.key = newKey(t, w.dir)
	text := countedIn("file:"+filepath.Join(w.dir, "store"), 3)
	var without []string
	for line := range strings.Lines(text) {
		switch {
		case strings.Contains(line, "{id: quota"):
			line = "  - {id: quota, access: {orders: {allow: all}}}\n"
		case strings.Contains(line, "{id: none"):
			line = "  - {id: none, access: {orders: {allow: all}}}\n"
		case strings.Contains(line, "{id: rate"), strings.Contains(line, "limits:"):
			continue
		case strings.Contains(line, "- id: entry"):
			line = ""
		}
		without = append(without, line)
	}
	plain, _, _ := strings.Cut(strings.Join(without, ""), "    rate: {requests: 50")
	file := w.write(t, "tollgate.yaml", plain)
	g := startGate(t, file)
	a := newAsker(t, g)
	bearer := w.caller(t, "alice", "quota")
	if got := a.ask(t.Context(), 10, 2, bearer); got.refused != 0 {
		t.Errorf("without limits: %+v", got)
	}
	if found, _ := filepath.Glob(filepath.Join(w.dir, "store*")); found != nil {
		t.Errorf("a store that nothing needs: %v", found)
	}
	replace(t, file, text)
	g.signal(t, syscall.SIGHUP)
	g.await(t, `"generation":2`)
	if got := a.ask(t.Context(), 10, 2, bearer); got.allowed > 3 || got.allowed+got.unknown < 3 {
		t.Errorf("with a quota of 3: %+v\n%s", got, g.Output())
	}
	if found, _ := filepath.Glob(filepath.Join(w.dir, "store")); found == nil {
		t.Error("no store")
	}
}

// administrator speaks to the admin API of a gate.
type administrator struct{ base, secret string }

func (a administrator) do(t *testing.T, method, path, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, a.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+a.secret)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s %v", method, path, response.StatusCode, text, err)
	}
	return string(text)
}

// TestUsageIsChangedForAllReplicas: the admin API of one replica shows what was
// counted by all, and a reset or top-up there counts for the others at once.
func TestUsageIsChangedForAllReplicas(t *testing.T) {
	const secret = "a-made-up-secret-of-the-admin-api-0123456789"
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	w := &world{dir: t.TempDir()}
	w.key = newKey(t, w.dir)
	text := strings.Replace(countedIn(r.URL(), 3), `{check: "127.0.0.1:0"}`, `{check: "127.0.0.1:0", admin: "127.0.0.1:0"}`, 1)
	file := w.write(t, "tollgate.yaml", text)
	gates := []*gate{startGate(t, file, "TOLLGATE_ADMIN_SECRET="+secret), startGate(t, file, "TOLLGATE_ADMIN_SECRET="+secret)}
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	line, err := gates[0].AwaitLine(ctx, "listening admin ")
	if err != nil {
		t.Fatal(err)
	}
	admin := administrator{"http://" + strings.TrimPrefix(line, "listening admin "), secret}
	bearer := w.caller(t, "alice", "quota")
	one, two := newAsker(t, gates[0]), newAsker(t, gates[1])
	if got := one.ask(t.Context(), 2, 1, bearer); got.allowed != 2 {
		t.Fatalf("%+v", got)
	}
	if got := two.ask(t.Context(), 5, 1, bearer); got.allowed != 1 || got.refused != 4 {
		t.Fatalf("%+v", got)
	}
	session := w.sessionOf(t, two, bearer)
	shown := admin.do(t, http.MethodGet, "/v1/usage/"+session, "")
	for _, want := range []string{`"kind":"quota"`, `"source":"quota"`, `"limit":"3"`} {
		if !strings.Contains(strings.ReplaceAll(shown, " ", ""), want) {
			t.Errorf("usage lacks %s: %s", want, shown)
		}
	}
	passes := func(what string, most int64) {
		t.Helper()
		for d := newDeadline(t); ; d.wait(what) {
			if got := two.ask(t.Context(), 1, 1, bearer); got.allowed == 1 {
				break
			}
		}
		if got := two.ask(t.Context(), 10, 2, bearer); got.allowed != most-1 {
			t.Errorf("%s: %+v after the first, of %d", what, got, most)
		}
	}
	admin.do(t, http.MethodPost, "/v1/usage/"+session+":topUp", `{"requests": "2"}`)
	passes("top-up", 2)
	admin.do(t, http.MethodPost, "/v1/usage/"+session+":reset", `{}`)
	passes("reset", 3)
}

// sessionOf is the session that a token stands for, as a gate tells the front.
func (w *world) sessionOf(t *testing.T, a *asker, bearer string) string {
	t.Helper()
	_, value, _ := strings.Cut(bearer, ": ")
	got, err := a.clients[0].Check(t.Context(), &envoy.HTTP{
		Method: "GET", Scheme: "http", Host: "api.example.com", Target: "/orders/1",
		Headers: []envoy.Field{{Name: "authorization", Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Metadata["session"]
}
