package authz

import (
	"strings"
	"testing"
	"time"
)

func TestLocate(t *testing.T) {
	native := location{header: authorization}
	custom := location{header: "x-token"}
	all := location{header: authorization, query: "token", cookie: "token"}
	tyk := location{header: authorization, query: "token", cookie: "token", tyk: true}
	tests := []struct {
		name   string
		l      location
		target string
		lines  []string
		raw    string
		from   string
		reason Reason
	}{
		{name: "bearer", l: native, lines: []string{"Authorization: Bearer x"}, raw: "x", from: "header"},
		{name: "any case", l: native, lines: []string{"AUTHORIZATION: bEARER x"}, raw: "x", from: "header"},
		{name: "two blanks are part of the token", l: native, lines: []string{"Authorization: Bearer  x"}, raw: " x", from: "header"},
		{name: "only one prefix", l: native, lines: []string{"Authorization: Bearer bearer x"}, raw: "bearer x", from: "header"},
		{name: "scheme alone", l: native, lines: []string{"Authorization: Bearer"}, raw: "", from: "header"},
		{name: "scheme and blank", l: native, lines: []string{"Authorization: Bearer "}, raw: "", from: "header"},
		{name: "another scheme", l: native, lines: []string{"Authorization: Basic eA=="}, reason: TokenMissing},
		{name: "colon", l: native, lines: []string{"Authorization: Bearer: x"}, reason: TokenMissing},
		{name: "raw", l: native, lines: []string{"Authorization: x"}, reason: TokenMissing},
		{name: "raw in tyk", l: tyk, lines: []string{"Authorization: x"}, raw: "x", from: "header"},
		{name: "basic in tyk", l: tyk, lines: []string{"Authorization: Basic eA=="}, raw: "Basic eA==", from: "header"},
		{name: "nothing", l: native, reason: TokenMissing},
		{name: "empty", l: native, lines: []string{"Authorization: "}, reason: TokenMissing},
		{name: "joined", l: native, lines: []string{"Authorization: Bearer x,Bearer y"}, reason: RequestMalformed},
		{name: "joined with another scheme", l: native, lines: []string{"Authorization: Basic eA==,Bearer x"}, reason: RequestMalformed},
		{name: "repeated", l: native, lines: []string{"Authorization: Bearer x", "Authorization: Bearer x"}, reason: RequestMalformed},
		{name: "repeated with another scheme", l: native, lines: []string{"Authorization: Bearer x", "Authorization: Basic y"}, reason: RequestMalformed},
		{name: "repeated in tyk", l: tyk, lines: []string{"Authorization: x", "Authorization: y"}, reason: RequestMalformed},
		{name: "custom raw", l: custom, lines: []string{"X-Token: x", "Authorization: Bearer y"}, raw: "x", from: "header"},
		{name: "custom with prefix", l: custom, lines: []string{"X-Token: Bearer x"}, raw: "x", from: "header"},
		{name: "query", l: all, target: "/a?token=x", raw: "x", from: "query"},
		{name: "query with prefix", l: all, target: "/a?token=bearer%20x", raw: "x", from: "query"},
		{name: "cookie", l: all, lines: []string{"Cookie: token=x"}, raw: "x", from: "cookie"},
		{name: "basic beside a cookie", l: all, lines: []string{"Authorization: Basic y", "Cookie: token=x"}, raw: "x", from: "cookie"},
		{name: "header and query", l: all, target: "/a?token=x", lines: []string{"Authorization: Bearer x"}, reason: RequestMalformed},
		{name: "header and cookie", l: all, lines: []string{"Authorization: Bearer x", "Cookie: token=x"}, reason: RequestMalformed},
		{name: "query and cookie", l: all, target: "/a?token=x", lines: []string{"Cookie: token=x"}, reason: RequestMalformed},
		{name: "empty scheme and query", l: all, target: "/a?token=x", lines: []string{"Authorization: Bearer"}, reason: RequestMalformed},
		{name: "empty query counts for nothing", l: all, target: "/a?token=", lines: []string{"Authorization: Bearer x"}, raw: "x", from: "header"},
		{name: "tyk: query over header", l: tyk, target: "/a?token=y", lines: []string{"Authorization: Bearer x"}, raw: "y", from: "query"},
		{name: "tyk: cookie over all", l: tyk, target: "/a?token=y", lines: []string{"Authorization: Bearer x", "Cookie: token=z"}, raw: "z", from: "cookie"},
		{name: "tyk: empty never overrides", l: tyk, target: "/a?token=", lines: []string{"Authorization: Bearer x", "Cookie: token="}, raw: "x", from: "header"},
		{name: "query is off", l: native, target: "/a?token=x&Authorization=y", reason: TokenMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := tt.l.locate(get("/").with(tt.lines...), tt.target)
			if reason != tt.reason {
				t.Fatalf("reason %q; want %q", reason, tt.reason)
			}
			if reason == "" && (got.raw != tt.raw || got.from != tt.from) {
				t.Errorf("%q from %q; want %q from %q", got.raw, got.from, tt.raw, tt.from)
			}
		})
	}
}

// TestLocateIsBounded: S-063. Eight times as many cookies and parameters take about
// eight times as long: what a client sends is gone through once. Work that grew with
// its square would take 64 times as long.
func TestLocateIsBounded(t *testing.T) {
	l := location{header: authorization, query: "token", cookie: "token", strip: true}
	// The machine may be busy: of some runs the quickest says what the work takes.
	quickest := func(n int) time.Duration {
		req := get("/a?"+strings.Repeat("a&", n/50), "Cookie: "+strings.Repeat("a=1; ", n)+"token=x")
		commas := get("/", "Cookie: "+strings.Repeat("a=,", n*3/2))
		took := time.Hour
		for range 9 {
			start := time.Now()
			if _, reason := l.locate(req, req.line.Target); reason != "" {
				t.Fatal(reason)
			}
			dropCookie(req, "token")
			if _, reason := l.locate(commas, "/"); reason != TokenMissing {
				t.Fatal(reason)
			}
			took = min(took, time.Since(start))
		}
		return took
	}
	if few, many := quickest(25_000), quickest(200_000); many > 32*few {
		t.Errorf("%v for 25,000 cookies, %v for 200,000", few, many)
	}
}
