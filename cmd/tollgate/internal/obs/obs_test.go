package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
)

// rig is an Obs with a log in memory and a clock that stands.
type rig struct {
	*Obs
	log bytes.Buffer
	now time.Time
}

func newRig(t *testing.T, options ...func(*LogOptions)) *rig {
	t.Helper()
	r := &rig{now: time.Unix(1_800_000_000, 0)}
	log := LogOptions{Level: new(slog.LevelVar), Format: "json", Out: &r.log}
	for _, option := range options {
		option(&log)
	}
	logger, err := NewLogger(log)
	if err != nil {
		t.Fatal(err)
	}
	r.Obs, err = New(Options{Logger: logger, Build: Build{Version: "v1", Revision: "abc"}, Now: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	r.SetReload(Reload{Hash: "h1", Generation: 1, APIs: []string{"orders", "billing"}})
	return r
}

// get answers a request to the metrics listener.
func (r *rig) get(t *testing.T, target string, conditions ...Condition) (status int, body string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	handler := r.Handler(func() []Condition { return conditions })
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return recorder.Code, recorder.Body.String()
}

// series are the samples of the product's own metrics, without their values.
func (r *rig) series(t *testing.T) map[string]string {
	t.Helper()
	_, body := r.get(t, "/metrics")
	found := map[string]string{}
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "tollgate_") {
			found[name] = value
		}
	}
	return found
}

func TestDecisionsAreCountedByAPIOutcomeAndReason(t *testing.T) {
	r := newRig(t)
	for _, info := range []authz.DecisionInfo{
		{Outcome: authz.Allow, API: "orders", Cached: true, Took: time.Millisecond},
		{Outcome: authz.Allow, API: "orders"},
		{Outcome: authz.Deny, API: "orders", Reason: authz.TokenExpired},
		{Outcome: authz.Observed, API: "billing", Reason: authz.AccessRefused},
		{Outcome: authz.Deny, Reason: authz.APIUnknown},
		{Outcome: authz.Deny, API: "nobody configured this", Reason: "nor this"},
		{Outcome: authz.Allow, API: "orders", Degraded: "rate"},
	} {
		r.Decision(t.Context(), &info)
	}
	got := r.series(t)
	for name, want := range map[string]string{
		`tollgate_checks_total{api="orders",decision="allow",reason=""}`:                                "3",
		`tollgate_checks_total{api="orders",decision="deny",reason="token_expired"}`:                    "1",
		`tollgate_checks_total{api="billing",decision="observed",reason="access_refused"}`:              "1",
		`tollgate_checks_total{api="billing",decision="allow",reason=""}`:                               "0",
		`tollgate_checks_total{api="(none)",decision="deny",reason="api_unknown"}`:                      "1",
		`tollgate_checks_total{api="(other)",decision="deny",reason="other"}`:                           "1",
		`tollgate_check_duration_seconds_count{decision="allow"}`:                                       "3",
		`tollgate_check_duration_seconds_count{decision="deny"}`:                                        "3",
		`tollgate_token_cache_hits_total`:                                                               "1",
		`tollgate_degraded_total{kind="rate"}`:                                                          "1",
		`tollgate_config_info{hash="h1",state="applied"}`:                                               "1",
		`tollgate_config_generation`:                                                                    "1",
		fmt.Sprintf(`tollgate_build_info{goversion=%q,revision="abc",version="v1"}`, runtime.Version()): "1",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}

func TestSeriesDoNotGrowWithWhatClientsSend(t *testing.T) {
	r := newRig(t)
	warm := func(api string, reason authz.Reason) {
		r.Decision(t.Context(), &authz.DecisionInfo{API: api, Reason: reason})
		r.Dependency("jwks", "ok", time.Millisecond)
	}
	warm("x", "x")
	warm("orders", authz.KeyUnknown)
	before := len(r.series(t))
	for i := range 100_000 {
		id := fmt.Sprintf("client-%d", i)
		r.Decision(t.Context(), &authz.DecisionInfo{
			API: id, Reason: authz.Reason(id), Subject: id, Session: id, Method: id, Path: "/" + id, Policies: id,
		})
		r.Decision(t.Context(), &authz.DecisionInfo{API: "orders", Reason: authz.KeyUnknown, Subject: id, Path: "/" + id})
	}
	if after := len(r.series(t)); after != before {
		t.Errorf("%d series before, %d after", before, after)
	}
	for i := range 1000 {
		r.Dependency(fmt.Sprint("d", i), fmt.Sprint("r", i), time.Millisecond)
	}
	if after := len(r.series(t)); after > before+maxPairs*(len(latencyBuckets())+4) {
		t.Errorf("%d series after a thousand dependencies", after)
	}
}

func TestAnAllowedCheckAllocatesNothing(t *testing.T) {
	r := newRig(t)
	info := &authz.DecisionInfo{Outcome: authz.Allow, API: "orders", Cached: true, Took: time.Millisecond}
	if allocs := testing.AllocsPerRun(1000, func() { r.Decision(context.Background(), info) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
	if allocs := testing.AllocsPerRun(1000, func() { r.Dependency("redis", "ok", time.Millisecond) }); allocs > 0 {
		t.Errorf("dependency: %v allocations", allocs)
	}
	flooded := &authz.DecisionInfo{Outcome: authz.Deny, API: "orders", Reason: authz.SignatureInvalid}
	for range linesPerSecond {
		r.Decision(t.Context(), flooded)
	}
	if allocs := testing.AllocsPerRun(1000, func() { r.Decision(context.Background(), flooded) }); allocs != 0 {
		t.Errorf("a denial over the bound of lines: %v allocations", allocs)
	}
}

func TestDenialsAreLoggedAndAllowsSampled(t *testing.T) {
	r := newRig(t)
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Allow, API: "orders"})
	if r.log.Len() != 0 {
		t.Errorf("an allowed request was logged with allow_sample 0: %s", &r.log)
	}
	r.SetAllowSample(1)
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Allow, API: "orders", ID: "d1", Generation: 7, Took: time.Millisecond})
	r.Decision(t.Context(), &authz.DecisionInfo{
		Outcome: authz.Deny, Reason: authz.Internal, ID: "d2", API: "orders", Method: "GET", Path: "/orders/1",
		Subject: "ada", Session: "s", Policies: "basic", Degraded: "rate", Err: errors.New("boom"),
	})
	want := []map[string]any{
		{"level": "INFO", "msg": "allowed", "decision": "d1", "outcome": "allow", "api": "orders", "generation": 7.0, "cached": false, "took": 1e6},
		{
			"level": "ERROR", "msg": "denied", "decision": "d2", "outcome": "deny", "reason": "internal", "api": "orders",
			"method": "GET", "path": "/orders/1", "subject": "ada", "session": "s", "policies": "basic", "degraded": "rate",
			"generation": 0.0, "cached": false, "took": 0.0, "error": "boom",
		},
	}
	if diff := cmp.Diff(want, lines(t, &r.log)); diff != "" {
		t.Error(diff)
	}
}

func TestFloodsAreBoundedPerReason(t *testing.T) {
	r := newRig(t)
	for range 10_000 {
		r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Deny, Reason: authz.SignatureInvalid})
	}
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Deny, Reason: authz.TokenExpired})
	if got := len(lines(t, &r.log)); got != linesPerSecond+1 {
		t.Errorf("%d lines of two reasons, want %d", got, linesPerSecond+1)
	}
	r.log.Reset()
	r.now = r.now.Add(time.Second)
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Deny, Reason: authz.SignatureInvalid})
	got := lines(t, &r.log)
	if len(got) != 1 || got[0]["suppressed"] != float64(10_000-linesPerSecond) {
		t.Errorf("the next second says %v", got)
	}
	if got := r.series(t)["tollgate_log_lines_suppressed_total"]; got != fmt.Sprint(10_000-linesPerSecond) {
		t.Errorf("suppressed %s", got)
	}
}

func TestOneLineEachWhateverTheClientSends(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		r := newRig(t, func(o *LogOptions) { o.Format = format })
		r.Decision(t.Context(), &authz.DecisionInfo{
			Outcome: authz.Deny, Reason: authz.AccessRefused, Subject: "ada\n{\"msg\":\"allowed\"}\r\nx\u2028y", Path: "/a\x00\x1b[31m" + strings.Repeat("é", 9000),
		})
		text := r.log.String()
		if n := strings.Count(text, "\n"); n != 1 || strings.ContainsAny(strings.TrimSuffix(text, "\n"), "\r\x00\x1b") {
			t.Errorf("%s: %d line ends in %q", format, n, text)
		}
		if len(text) > 4096 {
			t.Errorf("%s: a line of %d bytes", format, len(text))
		}
	}
}

func TestReloadsAreVisible(t *testing.T) {
	r := newRig(t)
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Deny, API: "billing", Reason: authz.TokenExpired})
	r.Decision(t.Context(), &authz.DecisionInfo{Outcome: authz.Deny, API: "orders", Reason: authz.TokenExpired})
	r.now = r.now.Add(time.Minute)
	r.SetReload(Reload{Hash: "h2", Err: errors.New("broken")})
	got := r.series(t)
	for name, want := range map[string]string{
		"tollgate_config_last_load_successful":                                        "0",
		"tollgate_config_last_load_timestamp_seconds":                                 "1.80000006e+09",
		"tollgate_config_applied_timestamp_seconds":                                   "1.8e+09",
		`tollgate_config_info{hash="h2",state="attempted"}`:                           "1",
		`tollgate_config_info{hash="h1",state="applied"}`:                             "1",
		`tollgate_config_info{hash="h1",state="attempted"}`:                           "",
		`tollgate_config_loads_total{result="refused"}`:                               "1",
		"tollgate_config_generation":                                                  "1",
		`tollgate_checks_total{api="billing",decision="deny",reason="token_expired"}`: "1",
	} {
		if got[name] != want {
			t.Errorf("refused: %s = %q, want %q", name, got[name], want)
		}
	}
	r.SetReload(Reload{Hash: "h3", Generation: 2, APIs: []string{"orders", "new"}})
	got = r.series(t)
	for name, want := range map[string]string{
		"tollgate_config_last_load_successful":                                        "1",
		"tollgate_config_generation":                                                  "2",
		`tollgate_config_info{hash="h3",state="applied"}`:                             "1",
		`tollgate_checks_total{api="billing",decision="deny",reason="token_expired"}`: "", // its API is gone
		`tollgate_checks_total{api="orders",decision="deny",reason="token_expired"}`:  "1",
		`tollgate_checks_total{api="new",decision="allow",reason=""}`:                 "0",
	} {
		if got[name] != want {
			t.Errorf("applied: %s = %q, want %q", name, got[name], want)
		}
	}
}

func TestKeySets(t *testing.T) {
	r := newRig(t)
	r.WatchKeySets(func() []KeySet {
		return []KeySet{
			{Name: "https://a.example/keys", Fetched: r.now.Add(-time.Minute), Next: time.Unix(1800000000, 0), Keys: 2, Unusable: 1, Fetches: 5, Failures: 2},
			{Name: "https://a.example/keys", Fetched: r.now, Keys: 9},
			{Name: "https://user:pass@b.example/keys?token=x", Failing: true},
		}
	})
	got := r.series(t)
	for name, want := range map[string]string{
		`tollgate_keyset_age_seconds{keyset="https://a.example/keys"}`:                             "60",
		`tollgate_keyset_keys{keyset="https://a.example/keys"}`:                                    "2",
		`tollgate_keyset_unusable_keys{keyset="https://a.example/keys"}`:                           "1",
		`tollgate_keyset_next_refresh_timestamp_seconds{keyset="https://a.example/keys"}`:          "1.8e+09",
		`tollgate_keyset_fetches_total{keyset="https://a.example/keys",result="ok"}`:               "3",
		`tollgate_keyset_fetches_total{keyset="https://a.example/keys",result="failed"}`:           "2",
		`tollgate_keyset_last_fetch_failed{keyset="https://[redacted]@b.example/keys?[redacted]"}`: "1",
		`tollgate_keyset_age_seconds{keyset="https://[redacted]@b.example/keys?[redacted]"}`:       "",
	} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}

func TestProbes(t *testing.T) {
	keys := Condition{Name: "keys of orders", OK: false, Detail: "no usable\nkey", Advisory: true}
	store := Condition{Name: "store", OK: false, Detail: "redis://u:p@h down"}
	good := Condition{Name: "configuration", OK: true}
	r := newRig(t)
	for _, test := range []struct {
		target     string
		conditions []Condition
		status     int
		body       string
	}{
		{"/livez", []Condition{store}, 200, "ok\n"},
		{"/readyz", []Condition{good, keys}, 200, "ok\n"},
		{"/readyz?verbose", []Condition{good, keys}, 200, "[+] configuration\n[-] keys of orders: no usable key\nready\n"},
		{"/readyz", []Condition{good, store}, 503, "[+] configuration\n[-] store: redis://[redacted]@h down\nnot ready\n"},
		{"/else", nil, 404, "404 page not found\n"},
	} {
		status, body := r.get(t, test.target, test.conditions...)
		if status != test.status || body != test.body {
			t.Errorf("%s: %d %q, want %d %q", test.target, status, body, test.status, test.body)
		}
	}
}

func TestLoggerOptions(t *testing.T) {
	var out bytes.Buffer
	for _, test := range []struct {
		format   string
		terminal bool
		want     string
	}{
		{"auto", true, "level=INFO msg=hello"},
		{"auto", false, `"msg":"hello"`},
		{"", false, `"msg":"hello"`},
		{"TEXT", false, "level=INFO msg=hello"},
		{"json", true, `"msg":"hello"`},
	} {
		out.Reset()
		logger, err := NewLogger(LogOptions{Level: new(slog.LevelVar), Format: test.format, Out: &out, Terminal: test.terminal})
		if err != nil {
			t.Fatal(err)
		}
		logger.Info("hello")
		if !strings.Contains(out.String(), test.want) {
			t.Errorf("%q on terminal %v: %s", test.format, test.terminal, &out)
		}
	}
	if _, err := NewLogger(LogOptions{Level: new(slog.LevelVar), Format: "xml", Out: &out}); err == nil {
		t.Error("format xml is taken")
	}
	if _, err := ParseLevel("loud"); err == nil {
		t.Error("level loud is taken")
	}
	if level, err := ParseLevel("WARN"); err != nil || level != slog.LevelWarn {
		t.Errorf("WARN is %v, %v", level, err)
	}
}

func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range bytes.Lines(log.Bytes()) {
		var one map[string]any
		if err := json.Unmarshal(line, &one); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		delete(one, "time")
		all = append(all, one)
	}
	return all
}
