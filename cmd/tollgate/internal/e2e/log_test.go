package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// accessLine is what the shipped configurations log of one request.
type accessLine struct {
	Method, Path, Details, Flags string
	Decision, Outcome, Reason    string
	API, Subject, Policies       string
	Status                       int
	DurationMS                   any `json:"duration_ms"`
	CheckUS                      any `json:"check_us"`
	Time                         string
}

// TestAccessLogSaysWhyAndHoldsNoToken: Envoy's log has the decision and the exact
// reason of every request, tollgate's log the same decision, and neither a token.
func TestAccessLogSaysWhyAndHoldsNoToken(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		alice, bob := w.token(t, "alice", nil), w.token(t, "bob", nil)
		forged := alice[:strings.LastIndexByte(alice, '.')] + bob[strings.LastIndexByte(bob, '.'):]
		send(t, w.address, "GET /shop/7?access_token="+alice+"&q=canary-query", "cookie: a=canary-cookie")
		send(t, w.address, "GET /orders/7?q=canary-query", "authorization: Bearer "+forged)

		lines := w.accessLines(t, 2)
		allowed, denied := lines[0], lines[1]
		if allowed.Outcome != "allow" || allowed.Subject != "alice" || allowed.API != "shop" || allowed.Policies != "reader" || allowed.Path != "/shop/7" {
			t.Errorf("the allowed request: %+v", allowed)
		}
		if denied.Outcome != "deny" || denied.Reason != "signature_invalid" || denied.Status != 401 || denied.Details != "ext_authz_denied" {
			t.Errorf("the denied request: %+v", denied)
		}
		w.gate.await(t, denied.Decision)
		access, err := os.ReadFile(w.log())
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"envoy's log": string(access), "tollgate's log": w.gate.Output()} {
			for _, secret := range []string{alice[:len(alice)/2], alice[len(alice)/2:], forged[len(forged)/2:], "canary-query", "canary-cookie"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s holds what it must not", name)
				}
			}
		}
	})
}

// accessLines waits for n lines of the access log.
func (w *world) accessLines(t *testing.T, n int) []accessLine {
	t.Helper()
	for d := newDeadline(t); ; d.wait("the access log") {
		text, err := os.ReadFile(w.log())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), "\n") < n {
			continue
		}
		var lines []accessLine
		for line := range strings.Lines(string(text)) {
			var one accessLine
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				t.Fatalf("access log: %v", err)
			}
			lines = append(lines, one)
		}
		return lines
	}
}
