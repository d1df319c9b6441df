package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
	"github.com/tollgate-authz/tollgate/policies"
)

// The whole gate with marked tokens, secrets, cookies and queries: what people
// and machines look at afterwards shows none of them, at any level. visible is
// the other way round: a subject that has to be seen, or the test looks nowhere.
const visible = "subject4712"

// seen is what a run leaves behind, by the place where people look.
type seen map[string]string

// gate is an engine with everything around it, and a server.
type gate struct {
	engine *authz.Engine
	obs    *Obs
	log    *synced
	client *envoy.Client
	token  func(claims map[string]any) string
}

// synced is a buffer that several goroutines may write to.
type synced struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (s *synced) Write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.Write(p)
}

func (s *synced) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.String()
}

// clumsy is a dependency with the worst of manners: it panics with what it
// should not know, and its observer tells it.
type clumsy struct {
	*Obs
	slip string
}

func (c *clumsy) Ended(subject *authz.Revocable, _ time.Time) (bool, time.Duration) {
	if subject.Subject == "panic" {
		panic("cannot judge " + c.slip)
	}
	return false, 0
}

func (c *clumsy) Decision(ctx context.Context, info *authz.DecisionInfo) {
	told := *info
	if told.Outcome == authz.Deny && told.Err == nil {
		told.Err = fmt.Errorf("cannot decide on %s", c.slip)
		told.Degraded = "without " + c.slip
	}
	c.Obs.Decision(ctx, &told)
	c.Dependency("jwks "+c.slip, "failed "+c.slip, time.Millisecond)
}

func newGate(t *testing.T, level slog.Level, plain bool) *gate {
	t.Helper()
	// Secret text alone is no pattern: what says that it is one is its name.
	slip := "Bearer " + canaryToken() + " of http://u:p@host/?q=" + markQuery + "\r\nCookie: sid=" + markCookie + "\r\nclient_secret=" + markSecret
	g := &gate{log: &synced{}}
	levels := new(slog.LevelVar)
	levels.Set(level)
	logger, err := NewLogger(LogOptions{Level: levels, Format: "json", Out: g.log, plain: plain})
	if err != nil {
		t.Fatal(err)
	}
	if g.obs, err = New(Options{Logger: logger, AllowSample: 1, plain: plain}); err != nil {
		t.Fatal(err)
	}
	clumsy := &clumsy{Obs: g.obs, slip: slip}
	g.engine = authz.New(authz.Options{Observer: clumsy, Revocations: clumsy, CacheBytes: 1 << 20})
	t.Cleanup(g.engine.Close)
	secret := markSecret + "-0123456789abcdef0123456789abcdef"
	snapshot, problems := g.engine.Compile(t.Context(), authz.Spec{
		APIs: []authz.APISpec{{
			ID: "a", Match: []authz.MatchSpec{{Host: "*", Path: "/a"}},
			Token:    authz.LocationSpec{Header: "Authorization", Query: "q", Cookie: "sid", Strip: true},
			Keys:     []authz.KeySpec{{Secret: authz.Secret(secret), Issuer: authz.IssuerAny}},
			Claims:   authz.ClaimsSpec{InsecureAnyAudience: true},
			Policies: policies.SelectorSpec{Default: []string{"p"}},
		}},
		Policies: []policies.Spec{{ID: "p", Access: []policies.AccessSpec{{API: "a", All: true}}}},
	})
	if snapshot == nil {
		t.Fatalf("%v", problems)
	}
	g.obs.SetReload(Reload{Hash: "h", Generation: g.engine.Swap(snapshot), APIs: []string{"a"}})
	key, err := tokens.FromSecret("HS256", "", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	g.token = func(claims map[string]any) string {
		claims["private"] = markToken
		token, err := key.Sign(nil, claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	g.serve(t, logger)
	return g
}

func (g *gate) serve(t *testing.T, logger *slog.Logger) {
	t.Helper()
	server := envoy.NewServer(envoy.New(g.engine, envoy.Options{Log: logger}), envoy.Config{
		Listeners: []envoy.Listener{{Address: "127.0.0.1:0"}}, Log: logger,
	})
	addresses, err := server.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server.Ready()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	conn, err := grpc.NewClient("passthrough:///"+addresses[0].String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	g.client = envoy.NewClient(conn)
	t.Cleanup(func() {
		_ = conn.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// requests are what clients send, with marks in every place where one can be.
func (g *gate) requests() []*envoy.HTTP {
	hour := time.Now().Add(time.Hour).Unix()
	header := func(credential string) *envoy.HTTP {
		return &envoy.HTTP{
			Method: "GET", Scheme: "http", Host: "h", Target: "/a/1?x=" + markQuery, Raw: true,
			Headers: []envoy.Field{{Name: "authorization", Value: "Bearer " + credential}, {Name: "cookie", Value: "other=" + markCookie}},
		}
	}
	good := g.token(map[string]any{"sub": visible, "exp": hour})
	inQuery, inCookie := header(""), header("")
	inQuery.Headers, inQuery.Target = nil, "/a/1?x="+markQuery+"&q="+good
	inCookie.Headers = []envoy.Field{{Name: "cookie", Value: "other=" + markCookie + "; sid=" + good}}
	nowhere, malformed, twice := header(good), header(good), header(good)
	nowhere.Target = "/b?x=" + markQuery
	malformed.Target = "/a//b?x=" + markQuery
	twice.Target = "/a?q=" + good
	return []*envoy.HTTP{
		header(good), header(good), inQuery, inCookie, nowhere, malformed, twice,
		header(g.token(map[string]any{"sub": "panic", "exp": hour})),
		header(g.token(map[string]any{"sub": visible, "exp": 1})),
		header(g.token(map[string]any{"exp": hour})),
		header(canaryToken()), header(markToken), header(markToken + "." + markSecret), header(good + "x"),
	}
}

// run sends every request and collects what can be looked at afterwards.
func (g *gate) run(t *testing.T) seen {
	t.Helper()
	var answers, explained, errors strings.Builder
	for _, asked := range g.requests() {
		verdict, err := g.client.Check(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if !verdict.Allowed {
			fmt.Fprintf(&answers, "%d %v %s\n", verdict.Status, verdict.Headers, verdict.Body)
		}
		fmt.Fprintln(&answers, verdict.Metadata)
		view := described{asked}
		_, trace := g.engine.Explain(t.Context(), view, time.Time{})
		steps, err := json.Marshal(trace.Steps())
		if err != nil {
			t.Fatal(err)
		}
		explained.Write(steps)
	}
	_, problems := authz.New(authz.Options{}).Compile(t.Context(), authz.Spec{APIs: []authz.APISpec{{
		ID: "a", Keys: []authz.KeySpec{
			{Secret: authz.Secret(markSecret)},
			{PEM: []byte("-----BEGIN PRIVATE KEY-----\n" + markSecret)},
			{JWK: []byte(`{"kty":"oct","k":"` + markSecret + `"`)},
		},
	}}})
	fmt.Fprintln(&errors, problems)
	recorder := httptest.NewRecorder()
	handler := g.obs.Handler(func() []Condition { return nil })
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return seen{
		"answers": answers.String(), "explain": explained.String(), "errors": errors.String(),
		"log": g.log.String(), "metrics": recorder.Body.String(),
	}
}

// described is a request as the engine looks at it.
type described struct{ *envoy.HTTP }

func (d described) Line() authz.Line {
	return authz.Line{Method: d.Method, Scheme: d.Scheme, Host: d.Host, Target: d.Target}
}

func (d described) Header(name string, nth int) (string, bool) {
	for _, field := range d.Headers {
		if field.Name == name && nth == 0 {
			return field.Value, true
		}
	}
	return "", false
}

func (d described) Names(yield func(string) bool) {
	for _, field := range d.Headers {
		if !yield(field.Name) {
			return
		}
	}
}

func TestCanaryThroughTheGate(t *testing.T) {
	marks := []string{markToken, markSecret, markCookie, markQuery}
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		for place, text := range newGate(t, level, false).run(t) {
			for _, mark := range marks {
				if strings.Contains(text, mark) {
					at := strings.Index(text, mark)
					t.Errorf("%s at %s shows a mark: …%s", place, level, text[max(0, at-200):at])
				}
			}
			if text == "" {
				t.Errorf("%s at %s is empty: the test looks nowhere", place, level)
			}
		}
	}
	// With redaction off the very same run shows each of them.
	off := newGate(t, slog.LevelDebug, true).run(t)
	for _, place := range []string{"log", "metrics"} {
		for _, mark := range marks {
			if !strings.Contains(off[place], mark) {
				t.Errorf("%s without redaction does not show %s", place, mark)
			}
		}
	}
	if !strings.Contains(off["log"], "panic: cannot judge") {
		t.Error("the panic is not in the log")
	}
	// What is no secret is shown, with redaction on: the places are looked at.
	on := newGate(t, slog.LevelInfo, false).run(t)
	for _, place := range []string{"answers", "explain", "log"} {
		if !strings.Contains(on[place], visible) {
			t.Errorf("%s does not show the subject", place)
		}
	}
	if !strings.Contains(on["errors"], "/apis/0/keys/1") || !strings.Contains(on["metrics"], `tollgate_checks_total{api="a",decision="deny",reason="internal"} 1`) {
		t.Error("errors or metrics are not what they were looked at for")
	}
}
