package service

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// tykKeyed is a gate on definitions of Tyk whose keys are in the store: "one" has
// versions by header, "two" has none.
func tykKeyed(t *testing.T, paths string) *Service {
	t.Helper()
	dir := folder(t, fmt.Sprintf(`
version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: {url: "memory:", timeout: 5s}
admin: {tokens: [{name: ops, secret: file://ops.token, role: write}]}
include: ["tyk/*.json"]
tyk: {paths: %s}
`, paths))
	write(t, filepath.Join(dir, "ops.token"), opsToken)
	if err := os.Mkdir(filepath.Join(dir, "tyk"), 0o700); err != nil {
		t.Fatal(err)
	}
	for id, versions := range map[string]string{
		"one": `"definition": {"location": "header", "key": "X-Version"}, "version_data": {"default_version": "v1", "versions": {"v1": {"name": "v1"}, "v2": {"name": "v2"}}}`,
		"two": `"version_data": {"not_versioned": true, "versions": {"Default": {"name": "Default"}}}`,
	} {
		write(t, filepath.Join(dir, "tyk", id+".json"), fmt.Sprintf(`{"api_id": %q, "name": %q, "org_id": "o", "enable_jwt": true, "jwt_signing_method": "hmac",
 "jwt_source": "", "proxy": {"listen_path": "/%s/"}, %s}`, id, id, id, versions))
	}
	return running(t, dir, io.Discard)
}

// askedVersion is one request with a version.
func (s *Service) askedVersion(t *testing.T, method, path, version, token string) authz.Answer {
	t.Helper()
	asked, err := authz.ParsePlain(method, "http://api.example"+path)
	if err != nil {
		t.Fatal(err)
	}
	asked.Add("authorization", token)
	if version != "" {
		asked.Add("x-version", version)
	}
	return s.engine.Decide(t.Context(), asked)
}

// What a session document says of its APIs decides: a limit of one API counts
// apart, the others share that of the document, endpoints have their own, and
// versions are granted.
func TestTykKeysHaveLimitsOfTheirAPIs(t *testing.T) {
	s := tykKeyed(t, "prefix_suffix")
	made := s.must(t, "POST", "/tyk/keys/k", `{"org_id": "o", "rate": 4, "per": 60, "quota_max": -1, "jwt_data": {"secret": "xxx"}, "access_rights": {
 "one": {"api_id": "one", "versions": ["v1"], "limit": {"rate": 2, "per": 60, "quota_max": 100, "quota_renewal_rate": 3600}},
 "two": {"api_id": "two", "versions": ["Default"], "endpoints": [{"path": "/slow", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 60}}]}]}}}`)
	for _, word := range []string{"limit", "endpoints", "versions"} {
		if strings.Contains(made, word) {
			t.Errorf("it warns of %s: %s", word, made)
		}
	}
	token := signed(t, "xxx", "k", nil)
	count := func(path, version string, want int) {
		t.Helper()
		for i := range want + 2 {
			answer := s.askedVersion(t, "GET", path, version, token)
			if (answer.Outcome == authz.Allow) != (i < want) || i >= want && answer.Reason != authz.RateLimited {
				t.Errorf("%s: request %d: %v %s", path, i+1, answer.Outcome, answer.Reason)
			}
		}
	}
	count("/one/x", "v1", 2)
	count("/two/slow", "", 1)
	count("/two/x", "", 4)
	if answer := s.askedVersion(t, "GET", "/one/x", "v2", token); answer.Reason != authz.AccessRefused {
		t.Errorf("a version that is not granted: %v %s", answer.Outcome, answer.Reason)
	}
	// The document comes back as it was, and its limits outlive an edit through /v1
	// that does not touch them.
	if text := s.must(t, "GET", "/tyk/keys/k", ""); !strings.Contains(text, `"endpoints"`) || !strings.Contains(text, `"quota_renewal_rate":3600`) {
		t.Errorf("the document: %s", text)
	}
	if text := s.must(t, "PUT", "/tyk/keys/k?suppress_reset=1", s.must(t, "GET", "/tyk/keys/k", "")); strings.Contains(text, "limit") {
		t.Errorf("put back: %s", text)
	}
	count("/one/x", "v1", 0)
	// Policies decide alone.
	if text := s.must(t, "POST", "/tyk/keys/none", `{"org_id": "o", "jwt_data": {"secret": "xxx"}, "access_rights": {"one": {"versions": []}}}`); text == "" {
		t.Error("no answer")
	}
	if answer := s.askedVersion(t, "GET", "/one/x", "v1", signed(t, "xxx", "none", nil)); answer.Reason != authz.AccessRefused {
		t.Errorf("a key without versions on an API with versions: %v %s", answer.Outcome, answer.Reason)
	}
}

// Patterns in documents of keys are read as those of the definitions are.
func TestTykKeysReadPathsAsTheirDefinitions(t *testing.T) {
	for paths, opens := range map[string]bool{"legacy": true, "prefix_suffix": false} {
		s := tykKeyed(t, paths)
		s.must(t, "POST", "/tyk/keys/k", `{"org_id": "o", "jwt_data": {"secret": "xxx"}, "access_rights": {"two": {"allowed_urls": [{"url": "/users", "methods": ["GET"]}]}}}`)
		token := signed(t, "xxx", "k", nil)
		if answer := s.askedVersion(t, "GET", "/two/users", "", token); answer.Outcome != authz.Allow {
			t.Errorf("%s: %s", paths, answer.Reason)
		}
		if answer := s.askedVersion(t, "GET", "/two/v2/users-old/7", "", token); (answer.Outcome == authz.Allow) != opens {
			t.Errorf("%s: an unanchored path: %v %s", paths, answer.Outcome, answer.Reason)
		}
	}
}

// What a session document alone can say outlives an edit through /v1, unless the
// edit says it anew.
func TestTykKeysOutliveEditsThroughV1(t *testing.T) {
	s := tykKeyed(t, "prefix_suffix")
	s.must(t, "POST", "/tyk/keys/k", `{"org_id": "o", "alias": "old", "hmac_enabled": true, "meta_data": {"n": 1}, "jwt_data": {"secret": "xxx"},
 "rate": 0.5, "per": 1, "access_rights": {"one": {"api_id": "one", "versions": ["v2"]}}}`)
	token := signed(t, "xxx", "k", nil)
	shown := s.must(t, "GET", "/v1/keys/k?org=o", "")
	key := shown
	if status, text := s.manageAs(t, opsToken, "PUT", "/v1/keys/k", strings.Replace(key, `"old"`, `"new"`, 1)); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	text := s.must(t, "GET", "/tyk/keys/k", "")
	for _, want := range []string{`"alias":"new"`, `"hmac_enabled":true`, `"versions":["v2"]`, `"rate":0.5`, `"meta_data":{"n":1}`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if answer := s.askedVersion(t, "GET", "/one/x", "v2", token); answer.Outcome != authz.Allow {
		t.Errorf("after the edit: %s", answer.Reason)
	}
	// Said anew, it is gone and told.
	changed := wholeOf.ReplaceAllString(nothingOf.ReplaceAllString(key, `"allow":[{"methods":["GET"],"path":"/one/x"}]`), `"all":false`)
	changed = etagOf.ReplaceAllString(changed, "")
	status, text := s.manageAs(t, opsToken, "PUT", "/v1/keys/k", changed)
	if status != 200 || !strings.Contains(text, "versions") {
		t.Fatalf("%d %s", status, text)
	}
	if text := s.must(t, "GET", "/tyk/keys/k", ""); strings.Contains(text, `"v2"`) || !strings.Contains(text, `"hmac_enabled":true`) {
		t.Errorf("after other rights: %s", text)
	}
}

var (
	wholeOf   = regexp.MustCompile(`"all":\s*true`)
	nothingOf = regexp.MustCompile(`"allow":\s*\[\]`)
	etagOf    = regexp.MustCompile(`,\s*"etag":\s*"[^"]*"`)
)

// A service that began without a sealed store says that it has to be restarted
// when a reload brings the first API that takes keys of clients.
func TestReloadWithFirstCredentialsNeedsARestart(t *testing.T) {
	const plain = `
version: 1
listen: {check: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: {url: "memory:", timeout: 5s}
apis:
  - {id: orders, match: [{host: "*", path: /orders}], keys: [KEYS], claims: {insecure_any_audience: true}}
policies: [{id: basic, access: {orders: {allow: all}}}]
`
	log := &journal{}
	dir := folder(t, strings.Replace(plain, "KEYS", "{jwk: file://keys.json, issuer: any}", 1))
	s := running(t, dir, log)
	write(t, filepath.Join(dir, "tollgate.yaml"), strings.Replace(plain, "KEYS", "{credentials: true}", 1))
	if err := s.Reload(t.Context(), config.TriggerSignal); err == nil {
		t.Fatal("the reload applies")
	}
	if !strings.Contains(log.String(), "restart the service") || strings.Contains(log.String(), "not available yet") {
		t.Errorf("the log: %s", log.String())
	}
}

// Writing a key through /tyk/keys begins its counters anew, as in Tyk, unless the
// call says otherwise; its document tells what is left.
func TestTykKeysBeginAnewWhenWritten(t *testing.T) {
	s := tykKeyed(t, "prefix_suffix")
	const body = `{"org_id": "o", "quota_max": 2, "quota_renewal_rate": 3600, "jwt_data": {"secret": "xxx"}, "access_rights": {"two": {"versions": ["Default"]}}}`
	s.must(t, "POST", "/tyk/keys/k", body)
	token := signed(t, "xxx", "k", nil)
	opens := func(what string, want bool) {
		t.Helper()
		answer := s.askedVersion(t, "GET", "/two/x", "", token)
		if allowed := answer.Outcome == authz.Allow; allowed != want || !allowed && answer.Reason != authz.QuotaExceeded {
			t.Errorf("%s: %v %s", what, answer.Outcome, answer.Reason)
		}
	}
	opens("the first", true)
	if text := s.must(t, "GET", "/tyk/keys/k", ""); !strings.Contains(text, `"quota_remaining":1`) {
		t.Errorf("after one of two: %s", text)
	}
	opens("the second", true)
	opens("the third", false)
	s.must(t, "PUT", "/tyk/keys/k?suppress_reset=1", body)
	opens("written without a reset", false)
	s.must(t, "PUT", "/tyk/keys/k", body)
	opens("written", true)
	opens("written, again", true)
	opens("written, once more", false)
	s.must(t, "DELETE", "/tyk/keys/k", "")
	s.must(t, "POST", "/tyk/keys/k", body)
	opens("deleted and made again", true)
}
