package admin

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	writer = "writer-token-of-at-least-32-bytes!"
	reader = "reader-token-of-at-least-32-bytes!"
)

// rig is an admin API over an engine with one API that takes keys.
type rig struct {
	*Server
	engine *authz.Engine
	kept   *authz.Kept
	log    *bytes.Buffer
	nanos  atomic.Int64
}

func (r *rig) time() time.Time { return time.Unix(0, r.nanos.Load()) }

func makeRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{log: &bytes.Buffer{}}
	r.nanos.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).UnixNano())
	ring, err := seal.Random()
	if err != nil {
		t.Fatal(err)
	}
	s := memory.Open(memory.Options{Now: r.time})
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // memory
	r.kept = authz.NewKept(authz.KeptOptions{Store: s, Keyring: ring, Now: r.time, Budget: 10 * time.Second})
	r.engine = authz.New(authz.Options{Now: r.time, Kept: r.kept, Replica: "r1"})
	t.Cleanup(r.engine.Close)
	snap, problems := r.engine.Compile(t.Context(), authz.Spec{
		APIs: []authz.APISpec{{
			ID: "orders", Match: []authz.MatchSpec{{Host: "*", Path: "/orders"}},
			Keys: []authz.KeySpec{{Credentials: true}}, Claims: authz.ClaimsSpec{InsecureAnyAudience: true},
		}},
		Policies:   []policies.Spec{{ID: "basic", Access: []policies.AccessSpec{{API: "orders", All: true}}}},
		Revocation: authz.RevocationSpec{StaleAfter: 30 * time.Second, CredentialsAllow: true},
	})
	if snap == nil {
		t.Fatal(problems)
	}
	r.engine.Swap(snap)
	auth, err := NewAuth([]Token{{Name: "ops", Secret: []byte(writer), Role: Write}, {Name: "eyes", Secret: []byte(reader), Role: Read}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Server, err = New(Parts{
		Engine: r.engine, Credentials: r.kept.Keys(), Decisions: NewDecisions(), Version: "test", Replica: "r1", Started: r.time(),
		Log: slog.New(slog.NewJSONHandler(r.log, nil)), Now: r.time,
	}, auth)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// answer is what a call gave.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// call makes one request; change may alter it.
func (r *rig) call(t *testing.T, method, path, token, body string, change ...func(*http.Request)) answer {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, c := range change {
		c(req)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil && strings.HasPrefix(a.text, "{") && !strings.Contains(a.text, "\n{") {
		t.Fatalf("%s %s: no JSON: %v", method, path, err)
	}
	return a
}

func (a answer) is(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("status %d, not %d: %s", a.status, status, a.text)
	}
	return a
}

// at gives a value of the body by names.
func (a answer) at(names ...string) any {
	var v any = a.body
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}
