package service

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// administered keeps nothing by itself: only its operators may end tokens.
const administered = `
version: 1
listen: {check: "", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: "STORE"
admin: {tokens: [{name: ops, secret: file://ops.token, role: write}]}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{secret: 0123456789abcdef0123456789abcdef, issuer: any}]
    claims: {insecure_any_audience: true}
    policies: {default: [basic]}
policies:
  - {id: basic, access: {orders: {allow: all}}}
`

func administeredFolder(t *testing.T, store string) string {
	t.Helper()
	dir := folder(t, strings.Replace(administered, "STORE", store, 1))
	write(t, filepath.Join(dir, "ops.token"), opsToken)
	return dir
}

// TestAdminAloneOpensTheStore: with nothing but the admin listener, what operators
// end is ended, and stays so over a restart.
func TestAdminAloneOpensTheStore(t *testing.T) {
	dir := administeredFolder(t, "file:data")
	token := signed(t, "0123456789abcdef0123456789abcdef", "", map[string]any{"sub": "mallory", "iss": "https://issuer.example/"})
	if _, closing, err := Single(t.Context(), loaded(t, dir), time.Now); err != nil {
		t.Fatal(err)
	} else if err := closing(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a command that asks once has made a store")
	}
	t.Run("first", func(t *testing.T) {
		s := running(t, dir, io.Discard)
		if a := s.decide(t, "GET", "/orders/7", token); a.Outcome != authz.Allow {
			t.Fatalf("before: %s", a.Reason)
		}
		s.must(t, "POST", "/v1/revocations", `{"kind":"subject","value":"mallory"}`)
		if a := s.decide(t, "GET", "/orders/7", token); a.Reason != authz.TokenRevoked {
			t.Errorf("after: %v %s", a.Outcome, a.Reason)
		}
	})
	t.Run("after a restart", func(t *testing.T) {
		s := running(t, dir, io.Discard)
		if a := s.decide(t, "GET", "/orders/7", token); a.Reason != authz.TokenRevoked {
			t.Errorf("%v %s", a.Outcome, a.Reason)
		}
	})
	// A command that asks once sees the same, or says who holds the store.
	engine, closing, err := Single(t.Context(), loaded(t, dir), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer closing() //nolint:errcheck // the end of the test
	snapshot, problems := engine.Compile(t.Context(), loaded(t, dir).Spec)
	if snapshot == nil {
		t.Fatal(problems)
	}
	engine.Swap(snapshot)
	if is, err := engine.Introspect(t.Context(), "orders", token); err != nil || is.Reason != authz.TokenRevoked {
		t.Errorf("asked once: %s %v", is.Reason, err)
	}
}

// TestAdminAloneOnASharedStore: without a seal key it serves, and says what is
// missing where something would have to be kept.
func TestAdminAloneOnASharedStore(t *testing.T) {
	s := running(t, administeredFolder(t, "redis://127.0.0.1:1"), io.Discard)
	status, text := s.manageAs(t, opsToken, "POST", "/v1/revocations", `{"kind":"subject","value":"mallory"}`)
	if status != http.StatusNotImplemented || !strings.Contains(text, "seal.keys") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := s.manageAs(t, opsToken, "GET", "/v1/status", ""); status != http.StatusOK {
		t.Errorf("status: %d", status)
	}
}

// TestRevocationsComeInPages: a page is as long as it was asked for, every rule is
// on one page, and a size out of bounds is refused.
func TestRevocationsComeInPages(t *testing.T) {
	s := running(t, administeredFolder(t, "memory:"), io.Discard)
	const rules = 257
	for i := range rules {
		s.must(t, "POST", "/v1/revocations", fmt.Sprintf(`{"kind":"subject","value":"s-%d"}`, i))
	}
	for _, size := range []int{1000, 100, 7, 0} {
		want := size
		if size == 0 {
			want = 100
		}
		seen, token, pages := map[string]bool{}, "", 0
		for {
			text := s.must(t, "GET", fmt.Sprintf("/v1/revocations?page_size=%d&page_token=%s", size, url.QueryEscape(token)), "")
			var page struct {
				Revocations []struct{ ID, Value, By string }
				Next        string `json:"next_page_token"`
			}
			if err := json.Unmarshal([]byte(text), &page); err != nil {
				t.Fatal(err)
			}
			if len(page.Revocations) > want || page.Next != "" && len(page.Revocations) < want {
				t.Fatalf("size %d: a page of %d", size, len(page.Revocations))
			}
			for _, r := range page.Revocations {
				if seen[r.ID] || r.By != "ops" {
					t.Fatalf("size %d: %s twice, or made by %q", size, r.ID, r.By)
				}
				seen[r.ID] = true
			}
			pages++
			if token = page.Next; token == "" {
				break
			}
		}
		if len(seen) != rules || pages > rules/want+1 {
			t.Errorf("size %d: %d rules on %d pages", size, len(seen), pages)
		}
	}
	for _, bad := range []string{"page_size=1001", "page_size=-1", "page_token=nonsense", "page_token=0%2Cnonsense"} {
		if status, _ := s.manageAs(t, opsToken, "GET", "/v1/revocations?"+bad, ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, status)
		}
	}
}

// loaded reads the configuration of a folder as a command does.
func loaded(t *testing.T, dir string) *config.Config {
	t.Helper()
	engine := Checker(time.Now)
	defer engine.Close()
	loader := &config.Loader{Path: filepath.Join(dir, "tollgate.yaml"), Check: engine.Check, Now: time.Now}
	c, problems := loader.Load(t.Context())
	if config.Broken(problems) {
		t.Fatal(problems)
	}
	return c
}
