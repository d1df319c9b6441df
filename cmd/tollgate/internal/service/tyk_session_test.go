package service

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
)

// The session that a token has on a definition of Tyk is shown by the id that
// Tyk's users know, and ended by it.
func TestTykSessionIsShownAndEnded(t *testing.T) {
	const secret = "tyk123-and-as-many-bytes-as-a-hash-has"
	dir := folder(t, `
version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: "memory:"
admin: {tokens: [{name: ops, secret: file://ops.token, role: write}, {name: eyes, secret: file://eyes.token, role: read}]}
include: ["tyk/*.json"]
`)
	write(t, filepath.Join(dir, "ops.token"), opsToken)
	write(t, filepath.Join(dir, "eyes.token"), eyesToken)
	if err := os.Mkdir(filepath.Join(dir, "tyk"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "tyk", "api.json"), `{"api_id": "quick", "name": "Quick", "org_id": "o", "enable_jwt": true, "jwt_signing_method": "hmac",
 "jwt_source": "dHlrMTIzLWFuZC1hcy1tYW55LWJ5dGVzLWFzLWEtaGFzaC1oYXM=", "jwt_policy_field_name": "pol", "jwt_default_policies": ["basic"],
 "proxy": {"listen_path": "/orders/"}}`)
	write(t, filepath.Join(dir, "tyk", "policies.json"), `{"basic": {"id": "basic", "org_id": "o", "rate": 5, "per": 10, "quota_max": 100, "quota_renewal_rate": 3600,
 "tags": ["retail"], "meta_data": {"plan": "basic"}, "access_rights": {"quick": {"api_id": "quick", "versions": ["Default"],
 "allowed_urls": [{"url": "/7", "methods": ["GET"]}]}}}}`)
	s := running(t, dir, io.Discard)
	shown := authz.TykSessionID("o", "ann", "murmur64")
	path := "/tyk/keys/" + shown

	if status, text := s.manageAs(t, opsToken, "GET", path, ""); status != http.StatusNotFound {
		t.Errorf("before the first request: %d %s", status, text)
	}
	if status, text := s.manageAs(t, opsToken, "DELETE", path, ""); status != http.StatusNotFound || !strings.Contains(text, "There is no such key found") {
		t.Errorf("deleting it before the first request: %d %s", status, text)
	}
	token := signed(t, secret, "", map[string]any{"sub": "ann", "exp": 4102444800})
	answer := s.decide(t, "GET", "/orders/7", token)
	if answer.Outcome != authz.Allow {
		t.Fatal(answer.Reason)
	}
	status, text := s.manageAs(t, eyesToken, "GET", path, "")
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	if strings.Contains(text, secret) || strings.Contains(text, token[strings.LastIndex(token, "."):]) {
		t.Error("it shows a secret")
	}
	delete(doc, "last_updated")
	if limit, ok := doc["access_rights"].(map[string]any)["quick"].(map[string]any)["limit"].(map[string]any); ok {
		if renews, _ := limit["quota_renews"].(float64); renews < 1e9 {
			t.Errorf("the quota renews at %v", limit["quota_renews"])
		}
		delete(limit, "quota_renews")
	}
	want := map[string]any{
		"org_id": "o", "alias": "ann", "apply_policies": []any{"basic"}, "tags": []any{"retail"}, "is_inactive": false, "expires": 4102444800.0,
		"key_hash": answer.Metadata.Session, "meta_data": map[string]any{"plan": "basic", "TykJWTSessionID": shown},
		"access_rights": map[string]any{"quick": map[string]any{
			"api_id": "quick", "api_name": "Quick", "versions": []any{"Default"},
			"allowed_urls": []any{map[string]any{"url": "^(?:/orders)?(?:/7$)(?s:.*)$", "methods": []any{"GET"}}},
			"limit":        map[string]any{"rate": 5.0, "per": 10.0, "quota_max": 100.0, "quota_renewal_rate": 3600.0, "quota_remaining": 99.0},
		}},
	}
	if diff := cmp.Diff(want, doc); diff != "" {
		t.Errorf("the session (-want +got):\n%s", diff)
	}
	s.must(t, "GET", "/tyk/keys/"+answer.Metadata.Session, "")

	if status, _ := s.manageAs(t, eyesToken, "DELETE", path, ""); status != http.StatusForbidden {
		t.Errorf("deleted with role read: %d", status)
	}
	if done := s.must(t, "DELETE", path, ""); !strings.Contains(done, `"action":"deleted"`) {
		t.Errorf("deleted: %s", done)
	}
	if after := s.decide(t, "GET", "/orders/7", token); after.Reason != authz.TokenRevoked {
		t.Errorf("afterwards: %v %s", after.Outcome, after.Reason)
	}
	for _, id := range []string{shown, answer.Metadata.Session} {
		if status, _ := s.manageAs(t, opsToken, "GET", "/tyk/keys/"+id, ""); status != http.StatusNotFound {
			t.Errorf("GET of the ended session: %d", status)
		}
	}
	if status, _ := s.manageAs(t, opsToken, "DELETE", path, ""); status != http.StatusNotFound {
		t.Errorf("deleting it again: %d", status)
	}
	// A session that another replica may have seen is ended all the same.
	s.must(t, "DELETE", "/tyk/keys/"+strings.Repeat("0a", 32), "")
}
