package tyk

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// TestRecords plays what a real gateway was asked, on an engine that has all
// definitions and policies of one gateway at once, and compares the answers.
func TestRecords(t *testing.T) {
	all := records(t)
	for _, name := range []string{"sample", "legacy"} {
		t.Run(name, func(t *testing.T) {
			list := slices.DeleteFunc(slices.Clone(all), func(r record) bool { return r.Gateway != name })
			if len(list) == 0 {
				t.Fatal("no scenario of this gateway")
			}
			g := newGateway(t)
			refused := g.load(t, name, list)
			same, differs := 0, 0
			reasons := exceptions(t)
			for i := range list {
				a, b := g.play(t, &list[i], played{refused[list[i].ID], reasons[list[i].ID]})
				same, differs = same+a, differs+b
			}
			t.Logf("%d scenarios, %d steps as Tyk, %d where it is wrong", len(list), same, differs)
		})
	}
}

// exception is where an answer is not Tyk's although Tyk is not called wrong.
type exception struct {
	Steps  []int
	Reason string
}

func exceptions(t *testing.T) map[string]*exception {
	t.Helper()
	data, err := os.ReadFile("testdata/exceptions.json")
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]*exception
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// played is what is known of a scenario before it is played.
type played struct {
	refused string // why its configuration is refused
	except  *exception
}

// play plays one scenario.
func (g *gateway) play(t *testing.T, r *record, known played) (same, differs int) {
	t.Helper()
	refused := known.refused
	noKeys := g.createKeys(t, r)
	for i := range r.Steps {
		s := &r.Steps[i]
		g.advance(s)
		answer := authz.Answer{Outcome: authz.Deny, Reason: "configuration refused: " + authz.Reason(refused)}
		if refused == "" {
			answer = g.engine.Decide(t.Context(), g.request(t, s))
		}
		switch s.Expect.Mode {
		case "same":
			same++
		case "differs":
			differs++
		}
		why := s.judge(&answer, refused != "")
		if known.except != nil && slices.Contains(known.except.Steps, i) {
			if why == "" || known.except.Reason == "" {
				t.Errorf("%s step %d is no exception", r.ID, i)
			}
			continue
		}
		if why != "" {
			t.Errorf("%s step %d (%s): %s; refused %q keys %v", r.ID, i, r.Note, why, refused, noKeys)
		}
	}
	return same, differs
}

// advance brings the world to where it is before a step.
func (g *gateway) advance(s *recordStep) {
	g.issuer.set(s.SetDyn)
	g.clock.add(time.Duration(s.WaitMS)*time.Millisecond + 3*time.Millisecond)
	if s.Align {
		now := g.clock.time()
		g.clock.add(now.Truncate(time.Second).Add(time.Second).Sub(now))
	}
}

// judge says what is wrong with an answer, "" for nothing.
func (s *recordStep) judge(a *authz.Answer, refused bool) string {
	allow := a.Outcome == authz.Allow
	text := errorOf(a.Body)
	shown := fmt.Sprintf("%s %s %d %q, Tyk %d %q", a.Outcome, a.Reason, a.Status, text, s.Tyk.Status, s.Tyk.Error)
	switch s.Expect.Mode {
	case "open":
		return ""
	case "differs":
		if allow != s.Expect.Product.Allow || !allow && !refused && s.Expect.Product.Status != 0 && a.Status != s.Expect.Product.Status {
			return "not ours: " + shown + " " + s.Expect.Why
		}
		return ""
	}
	tykAllows := s.Tyk.Upstream != nil
	if refused && !tykAllows {
		return ""
	}
	if allow && tykAllows {
		return s.judgeHeaders(a)
	}
	if !allow && a.Status == s.Tyk.Status && (text == s.Tyk.Error || "not JSON: "+text == s.Tyk.Error) {
		return ""
	}
	for _, also := range s.Expect.Also {
		if also.Status < 400 && allow || !allow && a.Status == also.Status && (also.Error == nil || *also.Error == text) {
			return ""
		}
	}
	return shown
}

// judgeHeaders compares injected headers with those that Tyk sent.
func (s *recordStep) judgeHeaders(a *authz.Answer) string {
	for name, values := range s.Tyk.Upstream.Headers {
		if name != "X-Oracle-Session" || len(values) != 1 {
			continue
		}
		got := ""
		for _, e := range a.Edits {
			if e.Name == "x-oracle-session" {
				got = e.Value
			}
		}
		if got != values[0] {
			return fmt.Sprintf("TykJWTSessionID %q, Tyk %q", got, values[0])
		}
	}
	return ""
}

func errorOf(body string) string {
	var said struct{ Error string }
	if json.Unmarshal([]byte(body), &said) != nil {
		return body
	}
	return said.Error
}
