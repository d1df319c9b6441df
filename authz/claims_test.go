package authz

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// object parses claims as the gate would.
func object(t interface {
	Fatalf(format string, args ...any)
}, payload any,
) jws.Object {
	text, ok := payload.(string)
	if !ok {
		text = string(must(json.Marshal(payload)))
	}
	o, err := jws.ParseObject(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// checksOf compiles claims of an API.
func checksOf(tb testing.TB, spec ClaimsSpec, tyk bool) *claimChecks {
	tb.Helper()
	var p problems
	a := &api{spec: APISpec{Claims: spec, Tyk: tyk}}
	a.compileClaims("/apis/0/claims", &p)
	if p.broken() {
		tb.Fatal(texts(p.list))
	}
	return &a.claims
}

func reasonOf(why *denial) Reason {
	if why == nil {
		return ""
	}
	return why.reason
}

func TestTimes(t *testing.T) {
	now := noon().Add(300 * time.Millisecond)
	unix := noon().Unix()
	tests := []struct {
		name   string
		claims string
		spec   ClaimsSpec
		want   Reason
	}{
		{name: "all fine", claims: fmt.Sprintf(`{"exp":%d,"nbf":%d,"iat":%d}`, unix+1, unix, unix)},
		{name: "exp is exclusive", claims: fmt.Sprintf(`{"exp":%d.3}`, unix), want: TokenExpired},
		{name: "fractions count", claims: fmt.Sprintf(`{"exp":%d.4}`, unix)},
		{name: "nbf is inclusive", claims: fmt.Sprintf(`{"nbf":%d.3}`, unix)},
		{name: "nbf ahead", claims: fmt.Sprintf(`{"nbf":%d.4}`, unix), want: TokenNotYetValid},
		{name: "iat is inclusive", claims: fmt.Sprintf(`{"iat":%d.3}`, unix)},
		{name: "iat ahead", claims: fmt.Sprintf(`{"iat":%d.4}`, unix), want: TokenIssuedInFuture},
		{name: "iat far ahead", claims: `{"iat":99999999999}`, want: TokenIssuedInFuture},
		{name: "skew of exp", claims: fmt.Sprintf(`{"exp":%d}`, unix-9), spec: ClaimsSpec{Skew: SkewSpec{Exp: 10 * time.Second}}},
		{name: "skew of exp ends", claims: fmt.Sprintf(`{"exp":%d}`, unix-10), spec: ClaimsSpec{Skew: SkewSpec{Exp: 10 * time.Second}}, want: TokenExpired},
		{name: "skew of nbf is no skew of exp", claims: fmt.Sprintf(`{"exp":%d}`, unix-9), spec: ClaimsSpec{Skew: SkewSpec{Nbf: 10 * time.Second, Iat: 10 * time.Second}}, want: TokenExpired},
		{name: "skew of nbf", claims: fmt.Sprintf(`{"nbf":%d}`, unix+10), spec: ClaimsSpec{Skew: SkewSpec{Nbf: 10 * time.Second}}},
		{name: "skew of iat", claims: fmt.Sprintf(`{"iat":%d}`, unix+10), spec: ClaimsSpec{Skew: SkewSpec{Iat: 10 * time.Second}}},
		{name: "exp 0", claims: `{"exp":0}`, want: TokenExpired},
		{name: "exp negative", claims: `{"exp":-1}`, want: TokenExpired},
		{name: "exp -0", claims: `{"exp":-0}`, want: TokenExpired},
		{name: "exp null", claims: `{"exp":null}`, want: TokenExpired},
		{name: "exp text", claims: `{"exp":"4102444800"}`, want: TokenExpired},
		{name: "exp date", claims: `{"exp":"2100-01-01T00:00:00Z"}`, want: TokenExpired},
		{name: "exp boolean", claims: `{"exp":true}`, want: TokenExpired},
		{name: "exp array", claims: `{"exp":[4102444800]}`, want: TokenExpired},
		{name: "exp object", claims: `{"exp":{}}`, want: TokenExpired},
		{name: "exp beyond", claims: `{"exp":1e400}`, want: TokenExpired},
		{name: "exp 2^64", claims: `{"exp":18446744073709551616}`, want: TokenExpired},
		{name: "exp in milliseconds", claims: `{"exp":4102444800000}`, want: TokenExpired},
		{name: "nbf 1e400", claims: `{"nbf":1e400}`, want: TokenNotYetValid},
		{name: "nbf null", claims: `{"nbf":null}`, want: TokenNotYetValid},
		{name: "nbf zero", claims: `{"nbf":0}`},
		{name: "iat text", claims: `{"iat":"1"}`, want: TokenIssuedInFuture},
		{name: "skip exp", claims: `{"exp":1}`, spec: ClaimsSpec{InsecureSkip: []string{"exp"}}},
		{name: "skip exp, malformed", claims: `{"exp":"x"}`, spec: ClaimsSpec{InsecureSkip: []string{"exp"}}},
		{name: "skip exp only", claims: `{"exp":1,"nbf":99999999999}`, spec: ClaimsSpec{InsecureSkip: []string{"exp"}}, want: TokenNotYetValid},
		{name: "first of several", claims: `{"exp":1,"nbf":99999999999,"iat":99999999999}`, want: TokenExpired},
	}
	for _, tt := range tests {
		d := datesOf(object(t, tt.claims))
		if got := reasonOf(checksOf(t, tt.spec, false).times(&d, now)); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
	last := datesOf(object(t, `{"exp":1,"nbf":99999999999,"iat":99999999999}`))
	if got := reasonOf(checksOf(t, ClaimsSpec{}, true).times(&last, now)); got != TokenNotYetValid {
		t.Errorf("tyk tells the last of several: %q", got)
	}
}

// TestTimesAreIndependent: S-039. Every combination of skews, switches and dates
// agrees with three checks that know nothing of each other.
func TestTimesAreIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spec ClaimsSpec
		skew := func(name string) time.Duration {
			return time.Duration(rapid.IntRange(0, 600).Draw(t, name)) * time.Second
		}
		spec.Skew = SkewSpec{Exp: skew("exp skew"), Nbf: skew("nbf skew"), Iat: skew("iat skew")}
		payload := claims{}
		want := map[Reason]bool{}
		for _, c := range []struct {
			name   string
			skew   time.Duration
			reason Reason
		}{{"exp", spec.Skew.Exp, TokenExpired}, {"nbf", spec.Skew.Nbf, TokenNotYetValid}, {"iat", spec.Skew.Iat, TokenIssuedInFuture}} {
			skip := rapid.Bool().Draw(t, "skip "+c.name)
			if skip {
				spec.InsecureSkip = append(spec.InsecureSkip, c.name)
			}
			if rapid.Bool().Draw(t, "absent "+c.name) {
				continue
			}
			offset := rapid.Int64Range(-700, 700).Draw(t, c.name)
			payload[c.name] = noon().Unix() + offset
			bad := offset > int64(c.skew/time.Second)
			if c.name == "exp" {
				bad = offset <= -int64(c.skew/time.Second)
			}
			want[c.reason] = bad && !skip
		}
		var p problems
		a := &api{spec: APISpec{Claims: spec}}
		a.compileClaims("", &p)
		if p.broken() {
			t.Fatalf("%v", texts(p.list))
		}
		d := datesOf(object(t, payload))
		got := reasonOf(a.claims.times(&d, noon()))
		if got == "" && (want[TokenExpired] || want[TokenNotYetValid] || want[TokenIssuedInFuture]) {
			t.Fatalf("%v passes", payload)
		}
		if got != "" && !want[got] {
			t.Fatalf("%v: %s", payload, got)
		}
	})
}

func TestStatic(t *testing.T) {
	key := keys()["HS256"]
	tests := []struct {
		name   string
		spec   ClaimsSpec
		claims any
		typ    any
		tyk    bool
		want   Reason
		text   string // Tyk's
	}{
		{name: "nothing asked", claims: `{"exp":1}`},
		{name: "exp is required", claims: `{}`, want: ClaimMissing},
		{name: "unless told otherwise", spec: ClaimsSpec{Require: []string{}}, claims: `{}`},
		{name: "required claim", spec: ClaimsSpec{Require: []string{"jti"}}, claims: `{"exp":1}`, want: ClaimMissing},
		{name: "required claim, null", spec: ClaimsSpec{Require: []string{"jti"}}, claims: `{"jti":null}`, want: ClaimMissing},
		{name: "required path", spec: ClaimsSpec{Require: []string{"realm.role"}}, claims: `{"realm":{"role":""}}`},
		{name: "other case", spec: ClaimsSpec{Require: []string{"jti"}}, claims: `{"JTI":"x"}`, want: ClaimMissing},

		{name: "typ JWT", claims: `{"exp":1}`, typ: "JWT"},
		{name: "typ jwt", claims: `{"exp":1}`, typ: "jwt"},
		{name: "typ at+jwt", claims: `{"exp":1}`, typ: "application/AT+JWT"},
		{name: "typ absent", claims: `{"exp":1}`, typ: nil},
		{name: "typ absent where written", spec: ClaimsSpec{Typ: []string{"at+jwt"}}, claims: `{"exp":1}`, typ: nil, want: ClaimRefused},
		{name: "typ other where written", spec: ClaimsSpec{Typ: []string{"application/at+jwt"}}, claims: `{"exp":1}`, typ: "JWT", want: ClaimRefused},
		{name: "typ dpop", claims: `{"exp":1}`, typ: "dpop+jwt", want: ClaimRefused},
		{name: "typ logout", claims: `{"exp":1}`, typ: "logout+jwt", want: ClaimRefused},
		{name: "typ empty", claims: `{"exp":1}`, typ: "", want: ClaimRefused},

		{name: "issuer", spec: ClaimsSpec{Issuers: []string{"a", "b"}}, claims: `{"exp":1,"iss":"b"}`},
		{name: "issuer prefix", spec: ClaimsSpec{Issuers: []string{"https://a"}}, claims: `{"exp":1,"iss":"https://a/"}`, want: IssuerRefused},
		{name: "issuer missing", spec: ClaimsSpec{Issuers: []string{"a"}}, claims: `{"exp":1}`, want: IssuerRefused, text: "Key not authorized: issuer claim is required but not present in token"},
		{name: "issuer array", spec: ClaimsSpec{Issuers: []string{"a"}}, claims: `{"exp":1,"iss":["a"]}`, want: IssuerRefused, text: "Key not authorized: issuer claim must be a string"},
		{name: "issuer other", spec: ClaimsSpec{Issuers: []string{"a"}}, claims: `{"exp":1,"iss":"x"}`, want: IssuerRefused, text: "Key not authorized: invalid issuer claim: x"},
		{name: "issuer array, none asked", claims: `{"exp":1,"iss":["a"]}`, want: IssuerRefused},
		{name: "issuer null, none asked", claims: `{"exp":1,"iss":null}`, want: IssuerRefused},
		{name: "issuer array, none asked, tyk", claims: `{"exp":1,"iss":["a"]}`, tyk: true},

		{name: "audience", spec: ClaimsSpec{Audiences: []string{"a", "b"}}, claims: `{"exp":1,"aud":"b"}`},
		{name: "audience list", spec: ClaimsSpec{Audiences: []string{"b"}}, claims: `{"exp":1,"aud":["a",7,"b"]}`},
		{name: "audience missing", spec: ClaimsSpec{Audiences: []string{"a"}}, claims: `{"exp":1}`, want: AudienceRefused, text: "Key not authorized: audience claim is required but not present in token"},
		{name: "audience empty list", spec: ClaimsSpec{Audiences: []string{"a"}}, claims: `{"exp":1,"aud":[]}`, want: AudienceRefused},
		{name: "audience empty text", spec: ClaimsSpec{Audiences: []string{"a"}}, claims: `{"exp":1,"aud":[""]}`, want: AudienceRefused},
		{name: "audience nested", spec: ClaimsSpec{Audiences: []string{"a"}}, claims: `{"exp":1,"aud":[["a"]]}`, want: AudienceRefused},
		{name: "audience object", spec: ClaimsSpec{Audiences: []string{"a"}}, claims: `{"exp":1,"aud":{"a":"a"}}`, want: AudienceRefused, text: "Key not authorized: invalid audience claim format"},
		{name: "audience substring", spec: ClaimsSpec{Audiences: []string{"orders"}}, claims: `{"exp":1,"aud":["order","xordersx"]}`, want: AudienceRefused, text: "Key not authorized: no matching audience found in token: [order xordersx]"},

		{name: "subject", spec: ClaimsSpec{Subjects: []string{"s"}}, claims: `{"exp":1,"sub":"s"}`},
		{name: "subject other", spec: ClaimsSpec{Subjects: []string{"s"}}, claims: `{"exp":1,"sub":"eve"}`, want: SubjectRefused, text: "Key not authorized: invalid subject value: eve"},
		{name: "subject number", spec: ClaimsSpec{Subjects: []string{"7"}}, claims: `{"exp":1,"sub":7}`, want: SubjectRefused},
		{name: "subject with controls", spec: ClaimsSpec{Subjects: []string{"s"}}, claims: `{"exp":1,"sub":"e\r\nve"}`, want: SubjectRefused, text: "Key not authorized: invalid subject value: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := jws.Parse(key.sign(tt.claims, map[string]any{"typ": tt.typ}), 0)
			must(tok, err)
			_, why := checksOf(t, tt.spec, tt.tyk).static(tok)
			if reasonOf(why) != tt.want {
				t.Fatalf("%q; want %q", reasonOf(why), tt.want)
			}
			if tt.text != "" && why.tyk != tt.text {
				t.Errorf("text %q; want %q", why.tyk, tt.text)
			}
		})
	}
}

func TestRules(t *testing.T) {
	tests := []struct {
		name   string
		rules  []RuleSpec
		claims string
		want   Reason
		warned string
	}{
		{name: "present", rules: []RuleSpec{{Claim: "a"}}, claims: `{"a":""}`},
		{name: "absent", rules: []RuleSpec{{Claim: "a"}}, claims: `{}`, want: ClaimMissing},
		{name: "null", rules: []RuleSpec{{Claim: "a"}}, claims: `{"a":null}`, want: ClaimMissing},
		{name: "equals", rules: []RuleSpec{{Claim: "a", Equals: []any{"x", "y"}}}, claims: `{"a":"y"}`},
		{name: "equals has case", rules: []RuleSpec{{Claim: "a", Equals: []any{"Admin"}}}, claims: `{"a":"admin"}`, want: ClaimRefused},
		{name: "equals a number", rules: []RuleSpec{{Claim: "a", Equals: []any{json.Number("2")}}}, claims: `{"a":2.0}`},
		{name: "a number is no text", rules: []RuleSpec{{Claim: "a", Equals: []any{json.Number("2")}}}, claims: `{"a":"2"}`, want: ClaimRefused},
		{name: "big numbers are exact", rules: []RuleSpec{{Claim: "a", Equals: []any{json.Number("9007199254740992")}}}, claims: `{"a":9007199254740993}`, want: ClaimRefused},
		{name: "equals a boolean", rules: []RuleSpec{{Claim: "a", Equals: []any{true}}}, claims: `{"a":true}`},
		{name: "equals null", rules: []RuleSpec{{Claim: "a", Equals: []any{nil}}}, claims: `{"a":null}`},
		{name: "equals no array", rules: []RuleSpec{{Claim: "a", Equals: []any{"x"}}}, claims: `{"a":["x"]}`, want: ClaimRefused},
		{name: "equals, absent", rules: []RuleSpec{{Claim: "a", Equals: []any{"x"}}}, claims: `{}`, want: ClaimMissing},
		{name: "contains an element", rules: []RuleSpec{{Claim: "a", Contains: []any{"x", 7}}}, claims: `{"a":["y",7]}`},
		{name: "contains a word", rules: []RuleSpec{{Claim: "a", Contains: []any{"read"}}}, claims: `{"a":"write read"}`},
		{name: "never a part of a word", rules: []RuleSpec{{Claim: "a", Contains: []any{"admin"}}}, claims: `{"a":"superadmin admins"}`, want: ClaimRefused},
		{name: "nor of an element", rules: []RuleSpec{{Claim: "a", Contains: []any{"admin"}}}, claims: `{"a":["superadmin","an admin"]}`, want: ClaimRefused},
		{name: "contains a scalar", rules: []RuleSpec{{Claim: "a", Contains: []any{5, 6}}}, claims: `{"a":5}`},
		{name: "contains in an object", rules: []RuleSpec{{Claim: "a", Contains: []any{"x"}}}, claims: `{"a":{"x":"x"}}`, want: ClaimRefused},
		{name: "literal name first", rules: []RuleSpec{{Claim: "a.b", Equals: []any{"lit"}}}, claims: `{"a.b":"lit","a":{"b":"nest"}}`},
		{name: "then the path", rules: []RuleSpec{{Claim: "a.b", Equals: []any{"nest"}}}, claims: `{"a":{"b":"nest"}}`},
		{name: "not through arrays", rules: []RuleSpec{{Claim: "a.0", Equals: []any{"x"}}}, claims: `{"a":["x"]}`, want: ClaimMissing},
		{name: "both must hold", rules: []RuleSpec{{Claim: "a", Equals: []any{"x y"}, Contains: []any{"z"}}}, claims: `{"a":"x y"}`, want: ClaimRefused},
		{name: "warn only", rules: []RuleSpec{{Claim: "a", WarnOnly: true}, {Claim: "b", Equals: []any{"x"}, WarnOnly: true}}, claims: `{"b":"y"}`, warned: "a,b"},
		{name: "warn, then refuse", rules: []RuleSpec{{Claim: "a", WarnOnly: true}, {Claim: "b", Equals: []any{"x"}}}, claims: `{"b":"y"}`, want: ClaimRefused, warned: "a"},
	}
	for _, tt := range tests {
		warned, why := checksOf(t, ClaimsSpec{Rules: tt.rules}, false).applyRules(object(t, tt.claims))
		if reasonOf(why) != tt.want || warned != tt.warned {
			t.Errorf("%s: %q, warned %q; want %q, %q", tt.name, reasonOf(why), warned, tt.want, tt.warned)
		}
	}
}
