package admin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/policies"
)

const theirSecret = "a-secret-of-a-holder-that-has-64-bytes-and-some-more-0123456789-abc"

// tyked calls with Tyk's header.
func (r *rig) tyked(t *testing.T, method, path, body string) answer {
	t.Helper()
	return r.call(t, method, path, "", body, func(req *http.Request) { req.Header.Set("X-Tyk-Authorization", writer) })
}

func (a answer) says(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(a.text, text) {
		t.Errorf("no %q in %s", text, a.text)
	}
}

func TestTykKeyFromBirthToEnd(t *testing.T) {
	r := makeRig(t)
	body := `{"apply_policies":["basic"],"jwt_data":{"secret":"` + theirSecret + `"},"alias":"Partner","tags":["a"],"meta_data":{"plan":"x","n":1},"last_check":0,"hmac_enabled":true}`
	made := r.tyked(t, "POST", "/tyk/keys/partner-7", body).is(t, 200)
	want := `{"key":"partner-7","status":"ok","action":"added","key_hash":"` + credential.Session("", "partner-7") +
		`","warnings":["\"hmac_enabled\": it has no meaning here and is only kept"]}` + "\n"
	if diff := cmp.Diff(want, made.text); diff != "" {
		t.Errorf("the answer (-want +got):\n%s", diff)
	}
	r.tyked(t, "POST", "/tyk/keys/partner-7", body).is(t, 409)
	got := r.tyked(t, "GET", "/tyk/keys/partner-7", "").is(t, 200)
	if strings.Contains(got.text, theirSecret) || got.at("jwt_data", "secret") != tykMask {
		t.Error("the secret is shown")
	}
	if got.at("alias") != "Partner" || got.at("hmac_enabled") != true || got.at("meta_data", "n") != 1.0 || got.at("expires") != 0.0 {
		t.Errorf("got %s", got.text)
	}
	// The usual script: get, edit, put.
	edited := strings.Replace(got.text, `"is_inactive":false`, `"is_inactive":true`, 1)
	r.tyked(t, "PUT", "/tyk/keys/partner-7", edited).is(t, 200).says(t, `"action":"modified"`)
	stored, err := r.kept.Keys().Get(t.Context(), "", "partner-7")
	if err != nil || !stored.Inactive || string(stored.Secrets[0].Material) != theirSecret {
		t.Errorf("after the edit: inactive %v, %v", stored.Inactive, err)
	}
	r.tyked(t, "PUT", "/tyk/keys/partner-7", `{"apply_policies":["basic"]}`).is(t, 200)
	if stored, _ = r.kept.Keys().Get(t.Context(), "", "partner-7"); string(stored.Secrets[0].Material) != theirSecret || stored.Inactive {
		t.Error("a PUT without a secret does not keep it, or does not replace the rest")
	}
	deleted := r.tyked(t, "DELETE", "/tyk/keys/partner-7", "").is(t, 200)
	deleted.says(t, `{"key":"partner-7","status":"ok","action":"deleted"`)
	for call, text := range map[string]string{
		"DELETE": "There is no such key found", "GET": "Key not found", "PUT": "Key is not found",
	} {
		body := ""
		if call == "PUT" {
			body = `{"apply_policies":["basic"]}`
		}
		a := r.tyked(t, call, "/tyk/keys/partner-7", body).is(t, 404)
		if want := `{"message":"` + text + `","status":"error"}` + "\n"; a.text != want {
			t.Errorf("%s: %s", call, a.text)
		}
	}
}

func TestTykDocumentsThatAreRefused(t *testing.T) {
	r := makeRig(t)
	for name, body := range map[string]string{
		"no JSON":        `{"jwt_data":{"secret":"` + theirSecret,
		"an array":       `[]`,
		"two documents":  `{}{}`,
		"nothing":        ``,
		"no rights":      `{"jwt_data":{"secret":"` + theirSecret + `"}}`,
		"no secret":      `{"apply_policies":["basic"]}`,
		"empty secret":   `{"apply_policies":["basic"],"jwt_data":{"secret":""}}`,
		"mask":           `{"apply_policies":["basic"],"jwt_data":{"secret":"` + tykMask + `"}}`,
		"misspelt":       `{"apply_policies":["basic"],"JWT_data":{"secret":"` + theirSecret + `"}}`,
		"twice":          `{"apply_policies":["basic"],"jwt_data":{"secret":"` + theirSecret + `"},"jwt_data":{"secret":"y"}}`,
		"unknown policy": `{"apply_policies":["nope"],"jwt_data":{"secret":"` + theirSecret + `"}}`,
		"unknown API":    `{"access_rights":{"nope":{}},"jwt_data":{"secret":"` + theirSecret + `"}}`,
		"past expiry":    `{"apply_policies":["basic"],"expires":1,"jwt_data":{"secret":"` + theirSecret + `"}}`,
		"text as number": `{"apply_policies":["basic"],"rate":"5","jwt_data":{"secret":"` + theirSecret + `"}}`,
		"number as text": `{"apply_policies":["basic"],"alias":5,"jwt_data":{"secret":"` + theirSecret + `"}}`,
		"text as list":   `{"apply_policies":"basic","jwt_data":{"secret":"` + theirSecret + `"}}`,
		"private key":    `{"apply_policies":["basic"],"jwt_data":{"secret":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"}}`,
		"not UTF-8":      "{\"alias\":\"\xff\"}",
		"deep":           strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200),
		"huge number":    `{"apply_policies":["basic"],"rate":1e400,"jwt_data":{"secret":"` + theirSecret + `"}}`,
	} {
		a := r.tyked(t, "POST", "/tyk/keys/a", body)
		if a.status != 400 || a.at("status") != "error" {
			t.Errorf("%s: %d %s", name, a.status, a.text)
		}
		if strings.Contains(a.text, "a-secret-of") {
			t.Errorf("%s: the answer shows the secret", name)
		}
	}
	r.tyked(t, "POST", "/tyk/keys/a", `{"alias":"`+strings.Repeat("x", 10<<20)+`"}`).is(t, 413)
	r.tyked(t, "POST", "/tyk/keys/"+strings.Repeat("x", 64<<10), `{"apply_policies":["basic"],"jwt_data":{"secret":"x"}}`).is(t, 400)
	r.tyked(t, "PATCH", "/tyk/keys/a", `{}`).is(t, 405)
	r.tyked(t, "POST", "/tyk/keys/preview", `{}`).is(t, 404)
	r.tyked(t, "GET", "/tyk/apis", "").is(t, 404)
	if list := r.tyked(t, "GET", "/tyk/keys", "").is(t, 200); list.text != `{"keys":[]}`+"\n" {
		t.Errorf("something was kept: %s", list.text)
	}
}

func TestTykCallers(t *testing.T) {
	r := makeRig(t)
	a := r.call(t, "GET", "/tyk/keys", "", "").is(t, 403)
	a.says(t, "Attempted administrative access with invalid or missing key!")
	r.call(t, "POST", "/tyk/keys/a", reader, `{"apply_policies":["basic"],"jwt_data":{"secret":"x"}}`).is(t, 403)
	r.call(t, "DELETE", "/tyk/keys/a", reader, "").is(t, 403)
	r.call(t, "GET", "/tyk/keys", reader, "").is(t, 200)
	for _, want := range []string{`"who":"eyes","role":"read","method":"POST /tyk/keys/{id}","about":"a","result":"403"`, `"method":"GET /tyk/keys","about":"","result":"401"`} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

// Every id that an answer or a log shows can be given back.
func TestTykTakesEveryIDThatWasShown(t *testing.T) {
	r := makeRig(t)
	ids := []string{"aaa-bbb-999", "a/b", "a%2Fb", "a b", "{a}", "ключ", "a\r\nb", "a\x00b", "*", "eyJ"}
	for _, id := range ids {
		r.tyked(t, "POST", "/tyk/keys/"+url.PathEscape(id), `{"apply_policies":["basic"],"jwt_data":{"secret":"xxx"}}`).is(t, 200).says(t, "3 bytes")
	}
	list := r.tyked(t, "GET", "/tyk/keys", "").is(t, 200)
	if keys, _ := list.at("keys").([]any); len(keys) != len(ids) {
		t.Errorf("the list: %s", list.text)
	}
	if list := r.tyked(t, "GET", "/tyk/keys?filter=aaa-&api_id=orders", ""); list.text != `{"keys":["aaa-bbb-999"]}`+"\n" {
		t.Errorf("the filtered list: %s", list.text)
	}
	r.tyked(t, "GET", "/tyk/keys?api_id=nope", "").says(t, `{"keys":[]}`)
	for _, id := range ids {
		spelled := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"org":"","id":%q,"h":"murmur64"}`, id))
		forms := []string{id, credential.Session("", id), authz.TykSessionID("", id, "murmur64"), authz.TykSessionID("", id, "")}
		if json.Valid([]byte(fmt.Sprintf("%q", id))) {
			forms = append(forms, spelled)
		}
		for _, form := range forms {
			got := r.tyked(t, "GET", "/tyk/keys/"+url.PathEscape(form), "")
			if got.status != 200 {
				t.Errorf("%q as %q: %d", id, form, got.status)
			}
		}
	}
	for _, id := range ids {
		r.tyked(t, "DELETE", "/tyk/keys/"+url.PathEscape(authz.TykSessionID("", id, "murmur64")), "").is(t, 200)
	}
	r.tyked(t, "GET", "/tyk/keys", "").says(t, `{"keys":[]}`)
	a := r.tyked(t, "POST", "/tyk/keys", `{"apply_policies":["basic"],"jwt_data":{"secret":"`+theirSecret+`"}}`).is(t, 200)
	made, _ := a.at("key").(string)
	r.tyked(t, "GET", "/tyk/keys/"+made, "").is(t, 200)
}

// Rates with fractions are kept exactly; rights are Tyk's patterns.
func TestTykRightsAndLimits(t *testing.T) {
	r := makeRig(t)
	body := `{"access_rights":{"orders":{"api_id":"orders","versions":["Default"],"allowed_urls":[{"url":"/a/{id}","methods":["GET"]}]}},
		"rate":0.5,"per":1,"quota_max":10,"quota_renewal_rate":60,"expires":` + fmt.Sprint(r.time().Add(time.Hour).Unix()) + `,"jwt_data":{"secret":"` + theirSecret + `"}}`
	r.tyked(t, "POST", "/tyk/keys/a", body).is(t, 200)
	stored, err := r.kept.Keys().Get(t.Context(), "", "a")
	if err != nil {
		t.Fatal(err)
	}
	if stored.Rate == nil || stored.Rate.Requests != 1 || stored.Rate.Per != 2*time.Second {
		t.Errorf("rate %+v", stored.Rate)
	}
	if stored.Quota == nil || stored.Quota.Requests != 10 || stored.Quota.Per != time.Minute {
		t.Errorf("quota %+v", stored.Quota)
	}
	if !stored.Expires.Equal(r.time().Add(time.Hour)) {
		t.Errorf("it expires at %s", stored.Expires)
	}
	if len(stored.Access) != 1 || stored.Access[0].All || len(stored.Access[0].Allow) != 1 || !strings.HasPrefix(stored.Access[0].Allow[0].Path, "regex:^") {
		t.Errorf("access %+v", stored.Access)
	}
	r.tyked(t, "PUT", "/tyk/keys/a", strings.Replace(body, `"expires":`, `"expires":1,"x":`, 1)).is(t, 200).says(t, "the stored one stays")
	if got := r.tyked(t, "GET", "/tyk/keys/a", ""); got.at("rate") != 0.5 || got.at("access_rights", "orders", "api_id") != "orders" {
		t.Errorf("got %s", got.text)
	}
	// What a script got together with policies does not widen them.
	r.tyked(t, "PUT", "/tyk/keys/a", `{"apply_policies":["basic"],"access_rights":{"orders":{}}}`).is(t, 200).says(t, "access_rights: those of its policies count")
	if stored, _ = r.kept.Keys().Get(t.Context(), "", "a"); len(stored.Access) != 0 || !cmp.Equal(stored.Policies, []string{"basic"}) {
		t.Errorf("access %+v", stored.Access)
	}
}

// FuzzTykSession: whatever the document, nothing half written is kept, no secret is
// shown, and what was accepted can be got and put back unchanged.
func FuzzTykSession(f *testing.F) {
	for _, seed := range []string{
		`{"apply_policies":["basic"],"jwt_data":{"secret":"needle-secret"}}`, `{}`, `[]`, `{"apply_policies":["basic"],"apply_policies":[]}`,
		`{"access_rights":{"orders":{"allowed_urls":[{"url":"^/a(","methods":["GET"]}]}},"jwt_data":{"secret":"needle-secret"}}`,
		`{"access_rights":{"orders":{}},"rate":0.1,"per":3,"quota_max":-1,"expires":-1,"jwt_data":{"secret":"needle-secret"},"JWT_DATA":{"secret":"needle-secret"}}`,
		`{"apply_policies":["basic"],"jwt_data":{"secret":"needle-secret"},"meta_data":{"a":null,"b":[1],"c":"d"},"tags":["x",""],"alias":"\u0000"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc string) {
		r := makeRig(t)
		a := r.tyked(t, "POST", "/tyk/keys/fuzzed", doc)
		if strings.Contains(r.log.String(), "needle-secret") || strings.Contains(a.text, "needle-secret") && !strings.Contains(stripSecret(doc), "needle-secret") {
			t.Error("a secret is shown")
		}
		stored, err := r.kept.Keys().Get(t.Context(), "", "fuzzed")
		if a.status != http.StatusOK {
			if a.status >= 500 || !isUnknown(err) {
				t.Fatalf("status %d, and afterwards %v", a.status, err)
			}
			return
		}
		if err != nil || len(stored.Secrets) != 1 || len(stored.Secrets[0].Material) == 0 || (len(stored.Policies) == 0 && len(stored.Access) == 0) {
			t.Fatalf("kept: %v", err)
		}
		for _, p := range stored.Policies {
			if p != "basic" {
				t.Error("a policy that is not there")
			}
		}
		got := r.tyked(t, "GET", "/tyk/keys/fuzzed", "").is(t, 200)
		r.tyked(t, "PUT", "/tyk/keys/fuzzed", got.text).is(t, 200)
		again, err := r.kept.Keys().Get(t.Context(), "", "fuzzed")
		if err != nil {
			t.Fatal(err)
		}
		same := func(c *credential.Credential) string {
			return fmt.Sprint(c.Policies, c.Access, spelled(c.Rate), c.Quota, c.Tags, c.Meta, c.Alias, c.Inactive, c.Expires.Unix(), string(c.Secrets[0].Material))
		}
		if same(stored.Credential) != same(again.Credential) {
			t.Error("get and put back changed the key")
		}
	})
}

func spelled(r *policies.Rate) string { return fmt.Sprintf("%+v", r) }

// stripSecret is a document without its jwt_data.
func stripSecret(doc string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(doc), &members) != nil {
		return ""
	}
	for name := range members {
		if strings.EqualFold(name, "jwt_data") {
			delete(members, name)
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return ""
	}
	return string(text)
}
