package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/tollgate-authz/tollgate/authz/credential"
)

func TestKeyFromBirthToEnd(t *testing.T) {
	r := makeRig(t)
	made := r.call(t, "POST", "/v1/keys", writer, `{"key":{"id":"partner-7","alias":"Partner","policies":["basic"],"tags":["gold"],"meta":{"plan":"a"}}}`).is(t, 200)
	secret, _ := made.at("secret").(string)
	if len(secret) < 32 {
		t.Errorf("a made secret of %d bytes", len(secret))
	}
	tag := made.header.Get("ETag")
	if tag == "" || made.at("key", "etag") == "" {
		t.Error("no etag")
	}
	r.call(t, "POST", "/v1/keys", writer, `{"key":{"id":"partner-7","policies":["basic"]}}`).is(t, 409)
	got := r.call(t, "GET", "/v1/keys/partner-7", reader, "").is(t, 200)
	if got.at("key", "alias") != "Partner" || strings.Contains(got.text, secret) {
		t.Errorf("got %s", got.text)
	}
	match := func(tag string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set("If-Match", tag) }
	}
	update := `{"key":{"id":"partner-7","alias":"Other","policies":["basic"]}}`
	r.call(t, "PUT", "/v1/keys/partner-7", writer, update, match(`"stale"`)).is(t, 412)
	changed := r.call(t, "PUT", "/v1/keys/partner-7", writer, update, match(tag)).is(t, 200)
	r.call(t, "PUT", "/v1/keys/partner-7", writer, update, match(tag)).is(t, 412)
	if changed.at("key", "alias") != "Other" {
		t.Errorf("changed: %s", changed.text)
	}
	rotated := r.call(t, "POST", "/v1/keys/partner-7:rotate", writer, `{"overlap":"3600s"}`).is(t, 200)
	if fresh, _ := rotated.at("secret").(string); fresh == secret || len(fresh) < 32 {
		t.Error("no new secret")
	}
	if n, _ := rotated.at("key", "materials").([]any); len(n) != 2 {
		t.Errorf("%d live secrets", len(n))
	}
	session := credential.Session("", "partner-7")
	r.call(t, "GET", "/v1/keys/"+session, reader, "").is(t, 200)
	r.call(t, "DELETE", "/v1/keys/"+session, writer, "").is(t, 200)
	r.call(t, "DELETE", "/v1/keys/partner-7", writer, "").is(t, 404)
	r.call(t, "GET", "/v1/keys/partner-7", reader, "").is(t, 404)
}

func TestKeysThatAreRefused(t *testing.T) {
	r := makeRig(t)
	for name, body := range map[string]string{
		"unknown policy":   `{"key":{"id":"a","policies":["nope"]}}`,
		"unknown API":      `{"key":{"id":"a","access":[{"api":"nope","all":true}]}}`,
		"nothing granted":  `{"key":{"id":"a"}}`,
		"past expiry":      `{"key":{"id":"a","policies":["basic"],"expires":"2020-01-01T00:00:00Z"}}`,
		"short secret":     `{"key":{"id":"a","policies":["basic"]},"secret":{"hmac":"short"}}`,
		"empty secret":     `{"key":{"id":"a","policies":["basic"]},"secret":{"hmac":""}}`,
		"private key":      `{"key":{"id":"a","policies":["basic"]},"secret":{"public_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}}`,
		"wrong type":       `{"key":{"id":7}}`,
		"unknown field":    `{"key":{"id":"a","policies":["basic"],"colour":"red"}}`,
		"no JSON":          `{`,
		"long id":          `{"key":{"id":"` + strings.Repeat("x", 64<<10) + `","policies":["basic"]}}`,
		"rate without per": `{"key":{"id":"a","policies":["basic"],"rate":{"requests":"5"}}}`,
	} {
		a := r.call(t, "POST", "/v1/keys", writer, body)
		if a.status != 400 {
			t.Errorf("%s: status %d: %s", name, a.status, a.text)
		}
		if strings.Contains(a.text, "short\"") {
			t.Errorf("%s: the answer shows the secret", name)
		}
	}
	list := r.call(t, "GET", "/v1/keys", reader, "").is(t, 200)
	if keys, _ := list.at("keys").([]any); len(keys) != 0 {
		t.Errorf("%d keys were made", len(keys))
	}
}

func TestStrangeIDsAreKeptApart(t *testing.T) {
	r := makeRig(t)
	ids := []string{"a/b", "a%2Fb", "a b", "a{b}", "a\r\nb", "a\x00b", "..", "a:rotate", "ключ", "*", "?", "#"}
	for _, id := range ids {
		body := fmt.Sprintf(`{"key":{"id":%q,"policies":["basic"],"alias":%q}}`, id, "of "+url.PathEscape(id))
		if strings.ContainsAny(id, "\x00") {
			body = strings.ReplaceAll(body, `\x00`, `\u0000`)
		}
		r.call(t, "POST", "/v1/keys", writer, body).is(t, 200)
	}
	for _, id := range ids {
		if id == ".." || id == "a:rotate" {
			continue // a path cannot name it: the session id does
		}
		got := r.call(t, "GET", "/v1/keys/"+url.PathEscape(id), reader, "")
		if got.status != 200 || got.at("key", "id") != id {
			t.Errorf("%q: status %d, id %v", id, got.status, got.at("key", "id"))
		}
	}
	for _, id := range ids {
		r.call(t, "GET", "/v1/keys/"+credential.Session("", id), reader, "").is(t, 200)
	}
}

func TestListInPages(t *testing.T) {
	r := makeRig(t)
	for i := range 57 {
		r.call(t, "POST", "/v1/keys", writer, fmt.Sprintf(`{"key":{"id":"key-%d","policies":["basic"]}}`, i)).is(t, 200)
	}
	seen := map[string]bool{}
	token := ""
	for range 20 {
		page := r.call(t, "GET", "/v1/keys?page_size=10&page_token="+url.QueryEscape(token), reader, "").is(t, 200)
		keys, _ := page.at("keys").([]any)
		if len(keys) > 10 {
			t.Errorf("a page of %d", len(keys))
		}
		for _, k := range keys {
			id, _ := k.(map[string]any)["id"].(string)
			if seen[id] {
				t.Errorf("%s twice", id)
			}
			seen[id] = true
		}
		if token, _ = page.at("next_page_token").(string); token == "" {
			break
		}
	}
	if len(seen) != 57 {
		t.Errorf("%d keys listed", len(seen))
	}
	r.call(t, "GET", "/v1/keys?page_size=5000", reader, "").is(t, 400)
	r.call(t, "GET", "/v1/keys?page_token=nonsense", reader, "").is(t, 400)
}

func TestConcurrentUpdatesWithOneEtag(t *testing.T) {
	r := makeRig(t)
	made := r.call(t, "POST", "/v1/keys", writer, `{"key":{"id":"a","policies":["basic"]}}`).is(t, 200)
	tag := made.header.Get("ETag")
	var mutex sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			a := r.call(t, "PUT", "/v1/keys/a", writer, fmt.Sprintf(`{"key":{"id":"a","alias":"%d","policies":["basic"]}}`, i),
				func(req *http.Request) { req.Header.Set("If-Match", tag) })
			mutex.Lock()
			defer mutex.Unlock()
			switch a.status {
			case 200:
				won++
			case 412:
			default:
				t.Errorf("status %d: %s", a.status, a.text)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d updates of one state", won)
	}
}

func TestBatch(t *testing.T) {
	r := makeRig(t)
	a := r.call(t, "POST", "/v1/keys:batchCreate", writer, `{"requests":[{"key":{"id":"a","policies":["basic"]}},{"key":{"id":"a","policies":["basic"]}},{"key":{"id":"b","policies":["nope"]}}]}`).is(t, 200)
	results, _ := a.at("results").([]any)
	if len(results) != 3 {
		t.Fatal(a.text)
	}
	for i, want := range []bool{true, false, false} {
		m, _ := results[i].(map[string]any)
		if got := m["error"] == ""; got != want {
			t.Errorf("result %d: %v", i, m)
		}
	}
}

func TestExplainNeverKeepsTheToken(t *testing.T) {
	r := makeRig(t)
	a := r.call(t, "POST", "/v1/explain", reader, `{"url":"http://any.example/orders/7?x=secret-in-query","token":"not.a.token-that-is-secret"}`).is(t, 200)
	if a.at("outcome") != "deny" || a.at("reason") != "token_malformed" {
		t.Errorf("explained: %s", a.text)
	}
	for _, secret := range []string{"token-that-is-secret", "secret-in-query"} {
		if strings.Contains(a.text, secret) || strings.Contains(r.log.String(), secret) {
			t.Error("the token or the query is shown")
		}
	}
	r.call(t, "POST", "/v1/explain", reader, `{"url":"nonsense"}`).is(t, 400)
	r.call(t, "GET", "/v1/decisions/nope", reader, "").is(t, 404)
	r.call(t, "GET", "/v1/usage/abc", reader, "").is(t, 501)
}

func TestStatusShowsWhatRuns(t *testing.T) {
	r := makeRig(t)
	if a := r.call(t, "GET", "/v1/status", reader, "").is(t, 200); a.at("version") != "test" || a.at("generation") != "1" {
		t.Error(a.text)
	}
	if a := r.call(t, "GET", "/v1/apis", reader, "").is(t, 200); !strings.Contains(a.text, `"*/orders"`) {
		t.Error(a.text)
	}
	if a := r.call(t, "GET", "/v1/policies", reader, "").is(t, 200); !strings.Contains(a.text, `"basic"`) {
		t.Error(a.text)
	}
	r.call(t, "GET", "/v1/keysets", reader, "").is(t, 200)
	if a := r.call(t, "GET", "/v1/openapi.json", reader, "").is(t, 200); a.at("swagger") != "2.0" {
		t.Error("no OpenAPI document")
	}
}
