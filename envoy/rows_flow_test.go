package envoy

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// TestUnknownIsDenied (row 53): an API, a policy or a set of policies that is
// not there.
func TestUnknownIsDenied(t *testing.T) {
	r := gate(t)
	r.expect(t, on("/none", bearer(t, nil)), "api_unknown")
	r.expect(t, on("/lost/7", bearer(t, nil)), "policy_missing")
	r.expect(t, on("/lost/7", bearer(t, claims{"pol": ""})), "policy_missing")
	r.expect(t, on("/lost/7", bearer(t, claims{"pol": []string{}})), "policy_missing")
	r.expect(t, on("/lost/7", bearer(t, claims{"pol": "none"})), "policy_unknown")
	r.expect(t, on("/lost/7", bearer(t, claims{"pol": []string{"basic", "none"}})), "policy_unknown")
	r.expect(t, on("/lost/7", bearer(t, claims{"pol": "basic"})), "")

	empty := serve(t, engine(t, authz.Spec{}))
	empty.expect(t, on("/orders/7", bearer(t, nil)), "api_unknown")
	unconfigured := serve(t, authz.New(authz.Options{Now: noon}))
	unconfigured.expect(t, on("/orders/7", bearer(t, nil)), "internal")
}

// TestReloadIsAtomic (row 54): generation A lets alice in and bob not, B the
// other way round; every answer is one that the generation it names would give.
// A configuration that is broken leaves the last one in place.
func TestReloadIsAtomic(t *testing.T) {
	generation := func(subject string) authz.Spec {
		s := spec()
		s.APIs = s.APIs[:1]
		s.APIs[0].Claims.Subjects = []string{subject}
		s.Policies = []policies.Spec{{ID: "basic", Access: []policies.AccessSpec{{API: "orders", All: true}}}}
		return s
	}
	e := engine(t, generation("alice"))
	var lets sync.Map // generation → the subject it lets in
	lets.Store(fmt.Sprint(e.Snapshot().Generation()), "alice")
	r := serve(t, e)
	questions := map[string]Question{}
	for _, subject := range []string{"alice", "bob"} {
		questions[subject] = Prepare(on("/orders/7", bearer(t, claims{"sub": subject})))
	}

	const answersWanted = 2000
	var answered, generations atomic.Int64
	ctx, cancel := context.WithCancel(soon(t))
	defer cancel()
	var clients sync.WaitGroup
	for i := range 8 {
		subject := []string{"alice", "bob"}[i%2]
		clients.Go(func() {
			for answered.Load() < answersWanted && !t.Failed() {
				v, err := r.Ask(context.WithoutCancel(ctx), questions[subject])
				if err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
				who, known := lets.Load(v.Metadata["config"])
				if !known || v.Allowed != (who == subject) {
					t.Errorf("generation %q, for %v, answered %s: allowed %v", v.Metadata["config"], who, subject, v.Allowed)
				}
				answered.Add(1)
			}
			cancel()
		})
	}
	for i := 0; ctx.Err() == nil; i++ {
		subject := []string{"bob", "alice"}[i%2]
		snapshot, problems := e.Compile(t.Context(), generation(subject))
		if snapshot == nil {
			t.Fatalf("problems: %+v", problems)
		}
		lets.Store(fmt.Sprint(snapshot.Generation()), subject)
		e.Swap(snapshot)
		generations.Add(1)

		broken := generation("mallory")
		broken.APIs[0].Keys[0].Secret = nil
		if snapshot, _ := e.Compile(t.Context(), broken); snapshot != nil {
			t.Fatal("a broken configuration was compiled")
		}
	}
	clients.Wait()
	if generations.Load() < 20 {
		t.Errorf("%d generations prove little", generations.Load())
	}
}

// TestRetriedCheckIsDecidedTwice (row 56): a Check that Envoy repeats is a second
// Check; the manual says so.
func TestRetriedCheckIsDecidedTwice(t *testing.T) {
	r := gate(t)
	h := on("/orders/7", bearer(t, nil), Field{"x-request-id", "5e5bb5f1-5e5b-45f1-95e5-bb5f15e5bb5f"})
	first, second := r.ask(t, h), r.ask(t, h)
	if first.Metadata["decision"] == second.Metadata["decision"] || first.Metadata["decision"] == "" {
		t.Errorf("decisions %q and %q", first.Metadata["decision"], second.Metadata["decision"])
	}
	manual, err := os.ReadFile("../docs/envoy.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), "charged twice") {
		t.Error("docs/envoy.md does not say that a retried check is charged twice")
	}
}

// TestStreams (row 57): an upgrade and a gRPC stream are decided like any
// request, on a token that is still alive, and its expiry can be handed on.
func TestStreams(t *testing.T) {
	r := gate(t)
	for _, line := range [][]Field{
		{{"connection", "upgrade"}, {"upgrade", "websocket"}, {"sec-websocket-version", "13"}},
		{{"content-type", "application/grpc"}, {"te", "trailers"}},
	} {
		v := r.expect(t, on("/inject/7", append(line, bearer(t, nil))...), "")
		if want := fmt.Sprint(noon().Unix() + 3600); v.set("x-expires") != want {
			t.Errorf("expiry = %q, want %q", v.set("x-expires"), want)
		}
		r.expect(t, on("/inject/7", append(line, bearer(t, claims{"exp": noon().Unix()}))...), "token_expired")
		r.expect(t, on("/inject/7", append(line, bearer(t, claims{"exp": nil}))...), "claim_missing")
		r.expect(t, on("/inject/7", line...), "token_missing")
	}
}

// TestPreflight (row 58): off it needs a token; on, exactly a preflight needs
// none, and carries no identity.
func TestPreflight(t *testing.T) {
	r := gate(t)
	ask := func(method, target, reason string, headers ...Field) *Verdict {
		t.Helper()
		h := on(target, headers...)
		h.Method = method
		return r.expect(t, h, reason)
	}
	origin, asked := Field{"Origin", "https://a.example"}, Field{"Access-Control-Request-Method", "PUT"}
	if v := ask("OPTIONS", "/orders/7", "token_missing", origin, asked); v.Status != 401 {
		t.Errorf("off: %d", v.Status)
	}
	v := ask("OPTIONS", "/cors", "", origin, asked, Field{"x-tollgate-subject", "admin"})
	if len(v.Set) != 0 {
		t.Errorf("a preflight carries %v", v.Set)
	}
	for _, name := range identity {
		if !strings.Contains(strings.Join(v.Remove, " "), name) {
			t.Errorf("%s is not removed", name)
		}
	}
	ask("OPTIONS", "/cors", "token_missing", origin)
	ask("OPTIONS", "/cors", "token_missing", asked)
	ask("OPTIONS", "/cors", "token_missing")
	ask("GET", "/cors", "token_missing", origin, asked)
	ask("options", "/cors", "token_missing", origin, asked)
	ask("OPTIONS", "/cors", "", origin, bearer(t, nil)) // no preflight: the token decides
}

// TestObserve (row 59): what enforcing would say is in the metadata; the request
// goes on without identity headers.
func TestObserve(t *testing.T) {
	r := gate(t)
	for reason, headers := range map[string][]Field{
		"":              {bearer(t, nil)},
		"token_missing": nil,
		"token_expired": {bearer(t, claims{"exp": noon().Unix() - 1})},
	} {
		v := r.both(t, on("/watched/7", append(headers, Field{"x-tollgate-subject", "admin"})...))
		if !v.Allowed || v.Metadata["outcome"] != "observed" || v.reason() != reason {
			t.Errorf("%q: allowed %v, %v", reason, v.Allowed, v.Metadata)
		}
		if len(v.Set) != 0 || !strings.Contains(strings.Join(v.Remove, " "), "x-tollgate-subject") {
			t.Errorf("%q: sets %v, removes %v", reason, v.Set, v.Remove)
		}
	}
}

// TestDecisionID (row 60): every answer has an id that names the replica, in the
// metadata and towards the client; the steps stand in no body.
func TestDecisionID(t *testing.T) {
	seen := map[string]bool{}
	r := gate(t)
	for name, h := range questions(t) {
		v := r.ask(t, h)
		id := v.Metadata["decision"]
		if !strings.Contains(id, "r1") || seen[id] || v.header("x-tollgate-decision") != id {
			t.Errorf("%s: decision %q, header %q", name, id, v.header("x-tollgate-decision"))
		}
		seen[id] = true
		if !v.Allowed && v.reason() == "" {
			t.Errorf("%s: a denial without reason", name)
		}
		for _, inner := range []string{"step", "cause", "trace", "subject"} {
			if strings.Contains(v.Body, `"`+inner+`"`) {
				t.Errorf("%s: the body explains: %s", name, inner)
			}
		}
	}
}
