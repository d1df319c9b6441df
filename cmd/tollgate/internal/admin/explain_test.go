package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// Explaining half a token never gives the whole one, wherever it goes upstream.
func TestExplainKeepsWholeTokens(t *testing.T) {
	for _, tt := range []struct{ header, sent string }{{"", "Authorization: Bearer "}, {"X-Token", "x-token: "}, {"X-Token", "X-TOKEN: "}} {
		r := makeRig(t)
		snap, problems := r.engine.Compile(t.Context(), authz.Spec{
			APIs: []authz.APISpec{{
				ID: "orders", Match: []authz.MatchSpec{{Host: "*", Path: "/orders"}}, Token: authz.LocationSpec{Header: tt.header},
				Keys: []authz.KeySpec{{Secret: []byte(theirSecret), Issuer: authz.IssuerAny}}, Split: authz.SplitSpec{Mode: authz.SplitAllowed, MaxTTL: time.Hour},
				Claims: authz.ClaimsSpec{InsecureAnyAudience: true}, Policies: policies.SelectorSpec{Default: []string{"basic"}},
			}},
			Policies:   []policies.Spec{{ID: "basic", Access: []policies.AccessSpec{{API: "orders", All: true}}}},
			Revocation: authz.RevocationSpec{StaleAfter: time.Hour, SplitAllow: true},
		})
		if snap == nil {
			t.Fatal(problems)
		}
		r.engine.Swap(snap)
		whole := signed(fmt.Sprintf(`{"sub":"user-1","exp":%d}`, r.time().Add(time.Minute).Unix()))
		half, err := r.engine.Split(t.Context(), "orders", whole)
		if err != nil {
			t.Fatal(err)
		}
		name, scheme, _ := strings.Cut(tt.sent, ": ")
		a := r.call(t, "POST", "/v1/explain", reader, fmt.Sprintf(`{"url":"http://any.example/orders/7","headers":[{"name":%q,"value":%q}]}`, name, scheme+half.Text)).is(t, 200)
		if a.at("outcome") != "allow" {
			t.Fatalf("%s: %s", tt.sent, a.text)
		}
		a.says(t, "[redacted]")
		if strings.Contains(a.text, strings.Split(whole, ".")[1]) {
			t.Errorf("%s: the whole token is shown", tt.sent)
		}
	}
}

// signed is a token of an HMAC key.
func signed(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(theirSecret))
	mac.Write([]byte(text)) //nolint:errcheck // it has none
	return text + "." + encode(mac.Sum(nil))
}
