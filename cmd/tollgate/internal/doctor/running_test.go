package doctor

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/envoy"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// told is what a metrics listener tells after these things have happened.
func told(t *testing.T, happen func(o *obs.Obs, counts *envoy.Counts), conditions ...obs.Condition) *Running {
	t.Helper()
	o, err := obs.New(obs.Options{Logger: slog.New(slog.DiscardHandler), Build: obs.Build{Version: "v1"}})
	if err != nil {
		t.Fatal(err)
	}
	var counts envoy.Counts
	o.WatchCalls(func() envoy.Counts { return counts })
	o.SetReload(obs.Reload{Hash: "h1", Generation: 1, APIs: []string{"orders"}})
	o.Decision(t.Context(), &authz.DecisionInfo{API: "orders", Outcome: authz.Allow})
	o.Decision(t.Context(), &authz.DecisionInfo{API: "orders", Reason: authz.TokenExpired})
	happen(o, &counts)
	handler := o.Handler(func() []obs.Condition {
		return append([]obs.Condition{{Name: "configuration", OK: true}}, conditions...)
	})
	var texts []string
	for _, path := range []string{"/metrics", "/readyz?verbose"} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		texts = append(texts, recorder.Body.String())
	}
	r, err := ReadMetrics("gate", texts[0], texts[1])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryMistakeOfARunningServiceIsFound(t *testing.T) {
	denied := func(reason authz.Reason) func(*obs.Obs, *envoy.Counts) {
		return func(o *obs.Obs, _ *envoy.Counts) {
			o.Decision(t.Context(), &authz.DecisionInfo{API: "orders", Reason: reason})
		}
	}
	for name, test := range map[string]struct {
		happen     func(*obs.Obs, *envoy.Counts)
		hash       string
		conditions []obs.Condition
		want       string // weight and rule, then a part of what is said; "" for nothing
	}{
		"nothing":        {func(*obs.Obs, *envoy.Counts) {}, "h1", []obs.Condition{{Name: "keys of orders", OK: true, Advisory: true}}, ""},
		"not ready":      {func(*obs.Obs, *envoy.Counts) {}, "", []obs.Condition{{Name: "serving", Detail: "draining"}}, "problem not_ready serving: draining"},
		"keys":           {func(*obs.Obs, *envoy.Counts) {}, "", []obs.Condition{{Name: "keys of orders", Detail: "503", Advisory: true}}, "warning keys_missing keys of orders: 503"},
		"another file":   {func(*obs.Obs, *envoy.Counts) {}, "h2", nil, "warning config_differs h1, and the file is h2"},
		"a refused file": {func(o *obs.Obs, _ *envoy.Counts) { o.SetReload(obs.Reload{Hash: "h9", Err: errors.New("x")}) }, "h1", nil, "warning config_refused the one before it decides"},
		"a panic":        {func(_ *obs.Obs, c *envoy.Counts) { c.Panics = 2 }, "", nil, "problem own_fault 2 since its start"},
		"internal":       {denied(authz.Internal), "", nil, "problem own_fault 1 since its start"},
		"no keys":        {denied(authz.KeysUnavailable), "", nil, "warning dependency 1 since"},
		"no store":       {denied(authz.StoreUnavailable), "", nil, "warning dependency 1 since"},
		"no news":        {denied(authz.RevocationStale), "", nil, "warning dependency 1 since"},
		"degraded": {func(o *obs.Obs, _ *envoy.Counts) {
			o.Decision(t.Context(), &authz.DecisionInfo{API: "orders", Outcome: authz.Allow, Degraded: "local_share,allow"})
		}, "", nil, "warning degraded 1 since"},
		"no message":         {func(_ *obs.Obs, c *envoy.Counts) { c.Undecodable = 3 }, "", nil, "warning undecided 3 since"},
		"a message too many": {func(_ *obs.Obs, c *envoy.Counts) { c.TooLarge = 1 }, "", nil, "warning undecided 1 since"},
		"late":               {func(_ *obs.Obs, c *envoy.Counts) { c.Late = 4 }, "", nil, "warning late 4 since"},
		"before ready":       {func(_ *obs.Obs, c *envoy.Counts) { c.Unready, c.Canceled, c.Dropped = 1, 1, 1 }, "", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, told(t, test.happen, test.conditions...).Examine(test.hash), test.want)
		})
	}
}

// expect compares with "weight rule part", "" for no finding.
func expect(t *testing.T, found []Finding, want string) {
	t.Helper()
	if want == "" {
		if len(found) > 0 {
			t.Errorf("found %v", brief(found))
		}
		return
	}
	weight, rest, _ := strings.Cut(want, " ")
	rule, part, _ := strings.Cut(rest, " ")
	if len(found) != 1 || string(found[0].Weight) != weight || found[0].Rule != rule || !strings.Contains(found[0].What, part) || found[0].Instead == "" {
		t.Errorf("found %+v, want %s", found, want)
	}
}

func TestEveryMistakeThatTheAdminAPITellsIsFound(t *testing.T) {
	at := func(second int64) *timestamppb.Timestamp { return timestamppb.New(time.Unix(second, 0)) }
	good := func() *adminv1.GetStatusResponse {
		return &adminv1.GetStatusResponse{
			Version: "v1", Store: "ok",
			Applied: &adminv1.ConfigState{Hash: "h1", Time: at(1)}, Attempted: &adminv1.ConfigState{Hash: "h1", Time: at(1)},
		}
	}
	for name, test := range map[string]struct {
		change func(*adminv1.GetStatusResponse)
		hash   string
		want   string
	}{
		"nothing":      {func(*adminv1.GetStatusResponse) {}, "h1", ""},
		"no store":     {func(s *adminv1.GetStatusResponse) { s.Store = "none" }, "", ""},
		"a store":      {func(s *adminv1.GetStatusResponse) { s.Store = "store unavailable" }, "", "problem store store unavailable"},
		"a restart":    {func(s *adminv1.GetStatusResponse) { s.NeedsRestart = []string{"listen.check"} }, "", "warning needs_restart listen.check"},
		"another file": {func(*adminv1.GetStatusResponse) {}, "h2", "warning config_differs h1, and the file is h2"},
		"a refused file": {func(s *adminv1.GetStatusResponse) {
			s.Attempted = &adminv1.ConfigState{Hash: "h2", Time: at(2), Problems: []string{"f:1:1: wrong"}}
		}, "h1", "warning config_refused f:1:1: wrong"},
		"one of the same text": {func(s *adminv1.GetStatusResponse) {
			s.Attempted = &adminv1.ConfigState{Hash: "h1", Time: at(2), Problems: []string{"env://X is not set"}}
		}, "h1", "warning config_refused env://X is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			status := good()
			test.change(status)
			expect(t, ReadStatus("gate", status).Examine(test.hash), test.want)
		})
	}
}

func TestReplicasThatDiffer(t *testing.T) {
	a, b, c := &Running{Where: "a", Applied: "h1", Version: "v1"}, &Running{Where: "b", Applied: "h2", Version: "v1"}, &Running{Where: "c", Applied: "h1", Version: "v2"}
	if diff := cmp.Diff([]string{"warning replicas_config b", "advice replicas_version c"}, brief(Replicas([]*Running{a, b, c}))); diff != "" {
		t.Error(diff)
	}
	for _, same := range [][]*Running{nil, {a}, {a, a}} {
		if found := Replicas(same); len(found) > 0 {
			t.Errorf("found %v", brief(found))
		}
	}
}

func TestReadMetricsRefuses(t *testing.T) {
	for _, text := range []string{"", "<html>", "go_goroutines 7\n", "tollgate_build_info{version=\"v1\"} much\n"} {
		if _, err := ReadMetrics("gate", text, ""); !errors.Is(err, ErrNoMetrics) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
