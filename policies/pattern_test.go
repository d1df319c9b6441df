package policies

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	tests := []struct {
		pattern string
		match   string // space separated targets
		miss    string
	}{
		{"/", "/ /?x", "/a"},
		{"/a/b", "/a/b /%61/b /a/b?c=d", "/a/b/ /a /a/b/c /A/b /a/bb"},
		{"/a/", "/a/", "/a /a/b"},
		{"/a/{id}", "/a/1 /a/%20 /a/{", "/a /a/ /a/1/ /a/1/2"},
		{"/a/{id}/", "/a/1/", "/a/1 /a//"},
		{"/{a}/b/{c}", "/x/b/y", "/x/c/y /x/b/"},
		{"/a/**", "/a /a/ /a/b /a/b/ /a/b/c", "/ab / /b/a"},
		{"/**", "/ /a /a/b/", ""},
		{"/{a}/**", "/a /a/ /a/b", "/"},
		{"/%7euser/caf%c3%a9", "/~user/caf%C3%A9 /%7Euser/caf%c3%a9", "/~user/caf%C3%AA"},
		{"regex:^/a/[0-9]+$", "/a/1 /a/12", "/a/ /a/1/ /x/a/1 /a/1x"},
		{"regex:^/a|/b$", "/a /b", "/ab /a/b /x/b"},
		{"regex:^/orders/(?:x|y)/z$", "/orders/x/z /orders/y/z", "/orders/z/z"},
		{"regex:^/(?i)admin/x$", "/Admin/X /admin/x", "/user/x"},
		{"regex:^.*$", "/ /a/b/c", ""},
		{`regex:^/a\$$`, "/a$", "/a"},
	}
	for _, tt := range tests {
		routes, problems := CompileRoutes([]Route{{Methods: []string{"GET"}, Path: tt.pattern}})
		if len(problems) > 0 {
			t.Errorf("%s: %+v", tt.pattern, problems)
			continue
		}
		for want, list := range map[bool]string{true: tt.match, false: tt.miss} {
			for raw := range strings.FieldsSeq(list) {
				target, err := ParseTarget(raw)
				if got := err == nil && routes.Match("GET", target); got != want && raw != "/a/{" {
					t.Errorf("%s on %s: %v, want %v", tt.pattern, raw, got, want)
				}
			}
		}
		if routes.Match("POST", Target{Path: "/a/b"}) || routes.Match("get", Target{Path: "/"}) {
			t.Errorf("%s: matches another method", tt.pattern)
		}
	}
	if (*Routes)(nil).Match("GET", Target{Path: "/"}) {
		t.Error("no routes match")
	}
}

func TestPatternsRefused(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{"", "without a path"},
		{"a/b", "must start with a slash"},
		{"/a?b", "never the query"},
		{"/a//b", "empty segment"},
		{"//", "empty segment"},
		{"/a/../b", "dot segment"},
		{"/a/%2e", "dot segment"},
		{"/a;b", "must not stand there raw"},
		{"/a b", "must not stand there raw"},
		{"/a%2fb", "encoded separator"},
		{"/a%", "broken escape"},
		{"/a/*", "star is no wildcard"},
		{"/a/**/b", "star is no wildcard"},
		{"/a**", "star is no wildcard"},
		{"/a/{id", "braces"},
		{"/a/x{id}", "braces"},
		{"/a/{}", "braces"},
		{"/a/{i d}", "braces"},
		{"/" + strings.Repeat("a", MaxTarget), "longer than 8192"},
		{"regex:/a", "whole path"},
		{"regex:^/a", "whole path"},
		{`regex:^/a\$`, "whole path"},
		{"regex:^/a(b$", "missing closing )"},
		{"regex:^a)|(?:b$", "unexpected )"},
		{"regex:^/(?=x)$", "invalid or unsupported Perl syntax"},
		{"regex:^" + strings.Repeat("a", maxExprText) + "$", "longer than 2048"},
		{"regex:^((a{100}){100}){9}$", "invalid repeat count"},
		{"regex:^" + strings.Repeat("[ab]{1000}", 6) + "$", "too large"},
	}
	for _, tt := range tests {
		if _, f := parsePattern(tt.pattern); f == nil || !strings.Contains(f.what, tt.want) {
			t.Errorf("%.60s: %+v, want %q", tt.pattern, f, tt.want)
		}
	}
}

func TestLiteralPrefix(t *testing.T) {
	for text, want := range map[string]string{
		"^/a/b$":         "/a/b",
		"^/a/[0-9]+$":    "/a/",
		"^/a/(b|c)$":     "/a/",
		"^(/a/b)/c$":     "/a/b",
		"^/a|/b$":        "",
		"^/(?i)ab$":      "/",
		"^.*/a$":         "",
		"^(?:/x/y)z.*$":  "/x/yz",
		"^/a/b?$":        "/a/",
		"^(/a)+$":        "",
		"^/stock/\\d{3}": "/stock/",
	} {
		tree, err := syntax.Parse(`\A(?:`+text+`)\z`, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if got := literalPrefix(tree); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestLiteralInside(t *testing.T) {
	for text, want := range map[string]string{
		"^/a/b$": "/a/b", "^/a/[0-9]+/items/x$": "/items/x", "^.*$": "", "^/a|/bc$": "", "^/(abc)?d$": "/", "^[0-9]+(/items)$": "/items",
	} {
		p, f := parsePattern("regex:" + text)
		if f != nil || p.holds != want {
			t.Errorf("%s: %q %+v, want %q", text, p.holds, f, want)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, p := range []string{"/", "/a/b", "/a/{id}/", "/a/**", "/%61", "regex:^/a/[0-9]+$", "regex:^a)|(b$", "/a//b", "/{x}/**", "/**"} {
		for _, target := range []string{"/", "/a/b", "/a/7/", "/%61", "/a//"} {
			f.Add(p, target)
		}
	}
	f.Fuzz(func(t *testing.T, text, raw string) {
		routes, problems := CompileRoutes([]Route{{Methods: []string{"GET"}, Path: text}})
		target, err := ParseTarget(raw)
		if err != nil {
			return
		}
		got := routes.Match("GET", target)
		if len(problems) > 0 {
			if got {
				t.Fatalf("%q is refused and matches %q", text, raw)
			}
			return
		}
		if want := slowMatches(slowCanonical(text), target.Path); got != want {
			t.Fatalf("%q on %q: %v, the oracle says %v", text, target.Path, got, want)
		}
	})
}

// slowCanonical brings the literal segments of a good pattern to the spelling of
// Target.Path.
func slowCanonical(text string) string {
	if strings.HasPrefix(text, "regex:") {
		return text
	}
	segments := strings.Split(text, "/")
	for i, s := range segments {
		if canonical, ok := slowTarget("/" + s); ok && s != "**" {
			segments[i] = canonical[1:]
		}
	}
	return strings.Join(segments, "/")
}

// A long path costs its length, a pattern with many alternatives its own.
func TestRefusesLongPathsQuickly(t *testing.T) {
	target := "/" + strings.Repeat("a/", MaxTarget/2-1)
	if _, err := ParseTarget(target); err != nil {
		t.Fatal(err)
	}
	var routes []Route
	for i := range 300 {
		routes = append(routes, Route{Methods: []string{"GET"}, Path: "/" + strings.Repeat("{x}/", i) + "b"})
	}
	compiled, problems := CompileRoutes(routes)
	if len(problems) > 0 {
		t.Fatal(fmt.Sprint(problems))
	}
	if compiled.Match("GET", Target{Path: target}) {
		t.Error("matches")
	}
}
