package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/store/seal"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// keyed is a gate whose API takes keys of the credential store. STORE and SEAL are
// filled in.
const keyed = `
version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: {url: "STORE", timeout: 5s}
SEAL
admin: {tokens: [{name: ops, secret: file://ops.token, role: write}, {name: eyes, secret: file://eyes.token, role: read}]}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{credentials: true}]
    algorithms: [HS256]
    claims: {insecure_any_audience: true}
    policies: {claims: [pol], scopes: {map: {admin: orders-admin}}}
policies:
  - {id: basic, access: {orders: {allow: [{methods: [GET], path: "/orders/**"}]}}}
  - {id: orders-admin, access: {orders: {allow: all}}}
`

const (
	opsToken  = "the-token-of-ops-with-over-32-characters"
	eyesToken = "the-token-of-eyes-with-over-32-characters"
)

// keyedFolder is a folder with a configuration for one store.
func keyedFolder(t *testing.T, store, sealKey string) string {
	t.Helper()
	section := ""
	if sealKey != "" {
		section = `seal: {keys: [{id: k1, key: file://seal.key}]}`
	}
	dir := folder(t, strings.NewReplacer("STORE", store, "SEAL", section).Replace(keyed))
	write(t, filepath.Join(dir, "ops.token"), opsToken)
	write(t, filepath.Join(dir, "eyes.token"), eyesToken)
	write(t, filepath.Join(dir, "seal.key"), sealKey)
	return dir
}

// manageAs makes one call of the admin API.
func (s *Service) manageAs(t *testing.T, token, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address(t, "admin")+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "/tyk/") {
		req.Header.Set("X-Tyk-Authorization", token)
	} else {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// must is manageAs ops, which has to work.
func (s *Service) must(t *testing.T, method, path, body string) string {
	t.Helper()
	status, text := s.manageAs(t, opsToken, method, path, body)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return text
}

// signed is a token of a key's holder. kid "" leaves it out.
func signed(t *testing.T, secret, kid string, claims map[string]any) string {
	t.Helper()
	key, err := tokens.FromSecret("HS256", kid, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	token, err := key.Sign(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// decide asks the engine of a service.
func (s *Service) decide(t *testing.T, method, path, token string) authz.Answer {
	t.Helper()
	asked, err := authz.ParsePlain(method, "http://api.example"+path)
	if err != nil {
		t.Fatal(err)
	}
	asked.Add("authorization", "Bearer "+token)
	return s.engine.Decide(t.Context(), asked)
}

func (s *Service) opens(t *testing.T, token string) bool {
	t.Helper()
	return s.decide(t, "GET", "/orders/7", token).Outcome == authz.Allow
}

// nearMisses are ids that a careless look-up would take for id.
func nearMisses(id string) []string {
	var out []string
	for i := range len(id) {
		out = append(out, id[:i], id[:i]+id[i+1:], id[:i]+"x"+id[i+1:], id[:i]+id[i:i+1]+id[i:],
			id[:i]+"9"+id[i+1:], id[:i]+"8"+id[i+1:], id[:i]+"-"+id[i:], id[:i]+"\u200b"+id[i:], id[i:], id[i:]+id[:i])
	}
	out = append(out, id+" ", " "+id, id+"\x00", id+"\n", strings.ToUpper(id), id+"/", id+".", "/"+id, id+id,
		"aaa-bbb-998", "aaa-bbb-9", "aaa-bbb-99x", "aaa-bbb-9999", "aаа-bbb-999", "aaa‐bbb‐999", "aaa_bbb_999", "*", "", "aaa*")
	seen := map[string]bool{id: true}
	kept := out[:0]
	for _, miss := range out {
		if !seen[miss] {
			seen[miss] = true
			kept = append(kept, miss)
		}
	}
	return kept
}

// The key of the thread: one character less of its id must not be the same key.
func TestThreadKeyOpensByItsWholeIDOnly(t *testing.T) {
	s := running(t, keyedFolder(t, "memory:", ""), io.Discard)
	const id = "aaa-bbb-999"
	made := s.must(t, "POST", "/tyk/keys/"+id, `{"apply_policies":["basic"],"jwt_data":{"secret":"xxx"}}`)
	if !strings.Contains(made, `"action":"added"`) || !strings.Contains(made, "3 bytes") {
		t.Errorf("the answer: %s", made)
	}
	if !s.opens(t, signed(t, "xxx", id, nil)) {
		t.Fatal("the key does not open")
	}
	if !s.opens(t, signed(t, "xxx", "", map[string]any{"sub": id})) {
		t.Error("without kid, the identity does not name the key")
	}
	misses := nearMisses(id)
	if len(misses) < 91 {
		t.Fatalf("%d near misses", len(misses))
	}
	for _, miss := range misses {
		if miss != "" && s.opens(t, signed(t, "xxx", miss, nil)) {
			t.Errorf("kid %q opens", miss)
		}
		if miss != "" && s.opens(t, signed(t, "xxx", miss, map[string]any{"sub": id})) {
			t.Errorf("kid %q opens beside the right sub", miss)
		}
		if s.opens(t, signed(t, "xxx", "", map[string]any{"sub": miss})) {
			t.Errorf("sub %q opens", miss)
		}
	}
	for _, secret := range []string{"xx", "xxxx", "XXX", "x", " "} {
		if s.opens(t, signed(t, secret, id, nil)) {
			t.Errorf("a token signed with %d other bytes opens", len(secret))
		}
	}
}

// A holder signs what they like: it gives them nothing.
func TestHolderWidensNothing(t *testing.T) {
	s := running(t, keyedFolder(t, "memory:", ""), io.Discard)
	s.must(t, "POST", "/tyk/keys/holder", `{"apply_policies":["basic"],"jwt_data":{"secret":"xxx"}}`)
	s.must(t, "POST", "/tyk/keys/boss", `{"apply_policies":["orders-admin"],"jwt_data":{"secret":"yyy"}}`)
	plain := s.decide(t, "GET", "/orders/7", signed(t, "xxx", "holder", nil))
	for name, claims := range map[string]map[string]any{
		"policy": {"pol": "orders-admin"}, "policies": {"pol": []string{"orders-admin", "basic"}}, "scope": {"scope": "admin"},
		"scopes": {"scp": []string{"admin"}}, "subject": {"sub": "boss"}, "issuer": {"iss": "boss", "sub": "boss", "org_id": "x"},
	} {
		token := signed(t, "xxx", "holder", claims)
		if answer := s.decide(t, "DELETE", "/orders/7", token); answer.Outcome == authz.Allow || answer.Reason != authz.AccessRefused {
			t.Errorf("%s: DELETE is %v, %s", name, answer.Outcome, answer.Reason)
		}
		answer := s.decide(t, "GET", "/orders/7", token)
		if answer.Outcome != authz.Allow {
			t.Errorf("%s: GET is %s", name, answer.Reason)
		}
		for _, header := range []string{"x-tollgate-session", "x-tollgate-subject", "x-tollgate-policies", "x-tollgate-scopes"} {
			if got, want := edit(answer, header), edit(plain, header); got != want {
				t.Errorf("%s: %s is %q, not %q", name, header, got, want)
			}
		}
	}
	if s.opens(t, signed(t, "xxx", "boss", nil)) {
		t.Error("the secret of one key opens another")
	}
}

func edit(a authz.Answer, name string) string {
	for _, e := range a.Edits {
		if e.Name == name && !e.Remove {
			return e.Value
		}
	}
	return ""
}

// What ends a key on one replica ends it on every other, cached tokens included.
func TestEndedKeyIsRefusedOnEveryReplica(t *testing.T) {
	server := storetest.StartRedis(t, storetest.RedisBinary(t))
	sealKey := "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	a := running(t, keyedFolder(t, server.URL(), sealKey), io.Discard)
	b := running(t, keyedFolder(t, server.URL(), sealKey), io.Discard)
	ends := map[string]func(id string){
		"deleted": func(id string) { a.must(t, "DELETE", "/tyk/keys/"+id, "") },
		"deactivated": func(id string) {
			a.must(t, "PUT", "/tyk/keys/"+id, `{"apply_policies":["basic"],"is_inactive":true}`)
		},
		"rotated": func(id string) { a.must(t, "POST", "/v1/keys/"+id+":rotate", `{}`) },
	}
	for name, ended := range ends {
		id := "key-" + name
		a.must(t, "POST", "/tyk/keys/"+id, `{"apply_policies":["basic"],"jwt_data":{"secret":"xxx"}}`)
		token := signed(t, "xxx", id, nil)
		storetest.Eventually(t, 5*time.Second, func() error { // b may remember that there was none
			if !b.opens(t, token) {
				return errors.New("the key does not open on the other replica")
			}
			return nil
		})
		if !a.opens(t, token) || !b.opens(t, token) {
			t.Fatal("the key does not open")
		}
		ended(id)
		if a.opens(t, token) {
			t.Errorf("%s: it opens on the replica that ended it", name)
		}
		begun := time.Now()
		storetest.Eventually(t, 5*time.Second, func() error { // a second, and five times that on a busy machine
			if b.opens(t, token) {
				return errors.New("it opens on the other replica")
			}
			return nil
		})
		t.Logf("%s: refused on the other replica after %s", name, time.Since(begun).Round(time.Millisecond))
	}
}

// The directory of a store shows neither secrets nor ids, and what is deleted is
// refused at once.
func TestFileStoreShowsNothingAndForgetsAtOnce(t *testing.T) {
	dir := keyedFolder(t, "file:data", "")
	s := running(t, dir, io.Discard)
	const id, secret = "an-id-that-nobody-else-has", "a-secret-that-nobody-else-has-0123456789"
	s.must(t, "POST", "/tyk/keys/"+id, fmt.Sprintf(`{"apply_policies":["basic"],"alias":"an-alias-of-theirs","jwt_data":{"secret":%q}}`, secret))
	token := signed(t, secret, id, nil)
	if !s.opens(t, token) {
		t.Fatal("the key does not open")
	}
	seen := 0
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		seen += len(content)
		for _, text := range []string{id, secret, "an-alias-of-theirs", "basic", token} {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%s shows what it should hide", filepath.Base(path))
			}
		}
		return nil
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d bytes of store, %v", seen, err)
	}
	if _, err := os.Stat(seal.KeyFile(filepath.Join(dir, "data"))); err != nil {
		t.Error(err)
	}
	s.must(t, "DELETE", "/tyk/keys/"+id, "")
	if s.opens(t, token) {
		t.Error("the deleted key opens")
	}
}

// The callers of the admin API follow the file; a token that is gone is refused
// from the reload on.
func TestAdminFollowsTheFile(t *testing.T) {
	dir := keyedFolder(t, "memory:", "")
	s := running(t, dir, io.Discard)
	if status, _ := s.manageAs(t, eyesToken, "GET", "/v1/status", ""); status != 200 {
		t.Fatalf("status %d for a reader", status)
	}
	if status, _ := s.manageAs(t, eyesToken, "POST", "/v1/reload", "{}"); status != 403 {
		t.Fatalf("a reader may reload: %d", status)
	}
	const fresh = "another-token-of-eyes-of-over-32-characters"
	write(t, filepath.Join(dir, "eyes.token"), fresh)
	text := s.must(t, "POST", "/v1/reload", "{}")
	var reloaded struct{ Applied bool }
	if err := json.Unmarshal([]byte(text), &reloaded); err != nil || !reloaded.Applied {
		t.Fatalf("reload: %s %v", text, err)
	}
	if status, _ := s.manageAs(t, eyesToken, "GET", "/v1/status", ""); status != 401 {
		t.Errorf("the old token: %d", status)
	}
	if status, text := s.manageAs(t, fresh, "GET", "/v1/status", ""); status != 200 || !strings.Contains(text, `"store":"ok"`) {
		t.Errorf("the new token: %d %s", status, text)
	}
}

// A decision can be looked up by the id in its answer.
func TestDecisionCanBeLookedUp(t *testing.T) {
	s := running(t, keyedFolder(t, "memory:", ""), io.Discard)
	answer := s.decide(t, "GET", "/orders/7", "nonsense")
	text := s.must(t, "GET", "/v1/decisions/"+url.PathEscape(answer.ID), "")
	if !strings.Contains(text, "token_malformed") {
		t.Errorf("the decision: %s", text)
	}
}

// A shared store keeps no secrets without a key that was given.
func TestSharedStoreNeedsSealKeys(t *testing.T) {
	_, _, err := Open(t.Context(), options(keyedFolder(t, "redis://127.0.0.1:1", ""), io.Discard))
	if !errors.Is(err, errNoSealKey) {
		t.Errorf("error %v", err)
	}
}
