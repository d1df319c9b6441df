package authz

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRows holds the table to contract section 5.
func TestRows(t *testing.T) {
	statuses := map[Reason]int{}
	for _, row := range Rows() {
		if _, twice := statuses[row.Reason]; twice {
			t.Errorf("%s stands twice", row.Reason)
		}
		statuses[row.Reason] = row.Status
		if row.Text == "" || row.Hint == "" || row.TykText == "" || row.GRPC == 0 || http.StatusText(row.TykCode) == "" {
			t.Errorf("%s lacks something: %+v", row.Reason, row)
		}
		if !isQuotable(row.Text) || !isQuotable(row.TykText) {
			t.Errorf("%s: a text must be able to stand in a header", row.Reason)
		}
	}
	want := map[int][]Reason{
		400: {RequestMalformed}, 404: {APIUnknown}, 429: {RateLimited, QuotaExceeded},
		401: {
			TokenMissing, TokenMalformed, KeyUnknown, SignatureInvalid, AlgRefused, TokenUnknown, TokenRevoked,
			TokenExpired, TokenNotYetValid, TokenIssuedInFuture, IssuerRefused, AudienceRefused, SubjectRefused,
			ClaimMissing, ClaimRefused, TokenInvalid,
		},
		403: {
			IdentityMissing, CredentialUnknown, CredentialInactive, CredentialExpired, PolicyMissing, PolicyUnknown,
			PolicyInactive, ScopeInsufficient, AccessRefused,
		},
		503: {KeysUnavailable, StoreUnavailable, RevocationStale, Internal},
	}
	n := 0
	for status, reasons := range want {
		n += len(reasons)
		for _, reason := range reasons {
			if statuses[reason] != status {
				t.Errorf("%s: status %d; want %d", reason, statuses[reason], status)
			}
		}
	}
	if n != len(statuses) {
		t.Errorf("%d rows; want %d", len(statuses), n)
	}
}

func TestDeny(t *testing.T) {
	tests := []struct {
		name      string
		full      bool
		d         denial
		style     style
		status    int
		body      string
		challenge string
		reason    string
	}{
		{
			name: "expired", d: denial{reason: TokenExpired}, status: 401, reason: "token_expired",
			body:      `{"error":"Token has expired","code":"token_expired","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Token has expired", resource_metadata="https://r.example"`,
		},
		{
			name: "no token: no error code", d: denial{reason: TokenMissing}, status: 401, reason: "token_missing",
			body:      `{"error":"Authorization field missing","code":"token_missing","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", resource_metadata="https://r.example"`,
		},
		{
			name: "masked", d: denial{reason: KeyUnknown, early: true}, status: 401, reason: "token_invalid",
			body:      `{"error":"Key not authorized","code":"token_invalid","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Key not authorized", resource_metadata="https://r.example"`,
		},
		{
			name: "not masked", full: true, d: denial{reason: KeyUnknown, early: true}, status: 401, reason: "key_unknown",
			body:      `{"error":"Key not authorized","code":"key_unknown","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Key not authorized", resource_metadata="https://r.example"`,
		},
		{
			name: "credentials are masked to 401", d: denial{reason: CredentialInactive}, status: 401, reason: "token_invalid",
			body:      `{"error":"Key not authorized","code":"token_invalid","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Key not authorized", resource_metadata="https://r.example"`,
		},
		{
			name: "issuer before verification", d: denial{reason: IssuerRefused, early: true}, status: 401, reason: "token_invalid",
			body:      `{"error":"Key not authorized","code":"token_invalid","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Key not authorized", resource_metadata="https://r.example"`,
		},
		{
			name: "issuer after verification", d: denial{reason: IssuerRefused}, status: 401, reason: "issuer_refused",
			body:      `{"error":"Token issuer is not accepted","code":"issuer_refused","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Token issuer is not accepted", resource_metadata="https://r.example"`,
		},
		{
			name: "revoked half", d: denial{reason: TokenRevoked, split: true}, status: 401, reason: "token_unknown",
			body:      `{"error":"Invalid token","code":"token_unknown","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Invalid token", resource_metadata="https://r.example"`,
		},
		{
			name: "scopes", d: denial{reason: ScopeInsufficient, scopes: []string{"a", `b"x\`, "c\r\n"}}, status: 403, reason: "scope_insufficient",
			body:      `{"error":"Insufficient scope","code":"scope_insufficient","decision":"ID"}`,
			challenge: `Bearer realm="tollgate", error="insufficient_scope", scope="a b\"x\\ c", resource_metadata="https://r.example"`,
		},
		{
			name: "access", d: denial{reason: AccessRefused}, status: 403, reason: "access_refused",
			body: `{"error":"Access to this resource has been disallowed","code":"access_refused","decision":"ID"}`,
		},
		{
			name: "grpc", d: denial{reason: TokenExpired}, style: style{grpc: true}, status: 401, reason: "token_expired",
			body:      "Token has expired",
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Token has expired", resource_metadata="https://r.example"`,
		},
		{
			name: "tyk", d: denial{reason: SignatureInvalid, early: true}, style: style{tyk: true}, status: 403, reason: "token_invalid",
			body: "{\n    \"error\": \"Key not authorized\"\n}",
		},
		{
			name: "tyk, no token", d: denial{reason: TokenMissing}, style: style{tyk: true}, status: 400, reason: "token_missing",
			body: "{\n    \"error\": \"Authorization field missing\"\n}",
		},
		{
			name: "tyk, more words", d: denial{reason: AccessRefused, tyk: "Access to this API has been disallowed"}, style: style{tyk: true}, status: 403, reason: "access_refused",
			body: "{\n    \"error\": \"Access to this API has been disallowed\"\n}",
		},
		{
			name: "tyk, words of a token", d: denial{reason: IssuerRefused, tyk: `Key not authorized: invalid issuer claim: "<b>`}, style: style{tyk: true}, status: 401, reason: "issuer_refused",
			body:      "{\n    \"error\": \"Key not authorized: invalid issuer claim: \\\"\\u003cb\\u003e\"\n}",
			challenge: `Bearer realm="tollgate", error="invalid_token", error_description="Token issuer is not accepted", resource_metadata="https://r.example"`,
		},
		{
			name: "tyk, quota", d: denial{reason: QuotaExceeded}, style: style{tyk: true}, status: 403, reason: "quota_exceeded",
			body: "{\n    \"error\": \"Quota exceeded\"\n}",
		},
		{
			name: "tyk, xml", d: denial{reason: KeyUnknown, early: true}, style: style{tyk: true, xml: true}, status: 403, reason: "token_invalid",
			body: "<?xml version = \"1.0\" encoding = \"UTF-8\"?>\n<error>Key not authorized</error>",
		},
		{
			name: "unheard of", d: denial{reason: "new", err: errors.New("x")}, status: 503, reason: "internal",
			body: `{"error":"Temporarily unavailable","code":"internal","decision":"ID"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAnswers(AnswersSpec{FullReasons: tt.full, ResourceMetadata: "https://r.example"})
			out := Answer{ID: "ID"}
			a.deny(&out, &tt.d, tt.style)
			if out.Status != tt.status || out.Body != tt.body {
				t.Errorf("%d %s\nwant %d %s", out.Status, out.Body, tt.status, tt.body)
			}
			if got := header(out, "www-authenticate"); got != tt.challenge {
				t.Errorf("challenge %s\nwant %s", got, tt.challenge)
			}
			if header(out, headerReason) != tt.reason || header(out, headerDecision) != "ID" {
				t.Errorf("headers %v", out.Headers)
			}
			if strings.HasPrefix(out.Body, "{") && !json.Valid([]byte(out.Body)) {
				t.Errorf("no JSON: %s", out.Body)
			}
			for _, h := range out.Headers {
				if !canStand(h.Value) {
					t.Errorf("%s cannot stand: %q", h.Name, h.Value)
				}
			}
		})
	}
}

// TestEveryReasonHasAnAnswer: in every style, with one type and small bodies.
func TestEveryReasonHasAnAnswer(t *testing.T) {
	a := newAnswers(AnswersSpec{Realm: `a "realm"\`})
	for _, row := range Rows() {
		for _, s := range []style{{}, {tyk: true}, {tyk: true, xml: true}, {grpc: true, grpcExact: true}, {grpc: true, grpcExact: true, tyk: true}} {
			out := Answer{ID: "ID"}
			a.deny(&out, &denial{reason: row.Reason, retryAfter: 1500 * time.Millisecond}, s)
			if out.Status < 400 || out.Body == "" || len(out.Body) > 4096 {
				t.Errorf("%s %+v: %d %q", row.Reason, s, out.Status, out.Body)
			}
			if out.Status == 401 && header(out, "www-authenticate") == "" {
				t.Errorf("%s %+v: 401 without a challenge", row.Reason, s)
			}
			limited := row.Reason == RateLimited || row.Reason == QuotaExceeded
			if got := header(out, "retry-after"); (got == "2") != limited {
				t.Errorf("%s: retry-after %q", row.Reason, got)
			}
			if (out.GRPC == 8) != (limited && s.grpcExact) {
				t.Errorf("%s %+v: grpc-status %d", row.Reason, s, out.GRPC)
			}
			names := map[string]int{}
			for _, h := range out.Headers {
				names[h.Name]++
			}
			if slices.Max(slices.Collect(maps.Values(names))) > 1 {
				t.Errorf("%s: a header occurs twice: %v", row.Reason, out.Headers)
			}
		}
	}
}

func TestStyleOf(t *testing.T) {
	tests := []struct {
		kind string
		tyk  bool
		want style
	}{
		{"", false, style{}},
		{"application/json", true, style{tyk: true}},
		{"application/grpc", false, style{grpc: true, grpcExact: true}},
		{"application/grpc+proto", false, style{grpc: true, grpcExact: true}},
		{"application/grpc-web+proto", false, style{grpc: true}},
		{"application/grpc;x=1", false, style{grpc: true}},
		{"application/xml", false, style{}},
		{"application/xml; charset=utf-8", true, style{tyk: true, xml: true}},
		{"text/xml", true, style{tyk: true, xml: true}},
	}
	for _, tt := range tests {
		if got := styleOf(get("/", "content-type: "+tt.kind), tt.tyk); got != tt.want {
			t.Errorf("%q: %+v; want %+v", tt.kind, got, tt.want)
		}
	}
}
