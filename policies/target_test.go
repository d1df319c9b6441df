package policies

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseTarget(t *testing.T) {
	long := "/" + strings.Repeat("a", MaxTarget-1)
	tests := []struct {
		raw, path, query string
		err              error
	}{
		{raw: "/", path: "/"},
		{raw: "/a/b", path: "/a/b"},
		{raw: "/a/b/", path: "/a/b/"},
		{raw: "/a?x=%2F;|{}&y=../..", path: "/a", query: "x=%2F;|{}&y=../.."},
		{raw: "/a??b", path: "/a", query: "?b"},
		{raw: "/%61%2D%2e%5f%7Eb", path: "/a-._~b"},
		{raw: "/caf%c3%a9", path: "/caf%C3%A9"},
		{raw: "/caf%C3%A9/%41", path: "/caf%C3%A9/A"},
		{raw: "/a%20b%3c", path: "/a%20b%3C"},
		{raw: "/...", path: "/..."},
		{raw: "/a:@!$&'()*+,=[]", path: "/a:@!$&'()*+,=[]"},
		{raw: "/%F0%9F%98%80", path: "/%F0%9F%98%80"},
		{raw: "/%EF%BF%BD", path: "/%EF%BF%BD"}, // U+FFFD written out is a character like any other
		{raw: long, path: long},
		{raw: long + "a", err: errTargetLong},
		{raw: "/a?" + strings.Repeat("q", MaxTarget), err: errTargetLong},
		{raw: "", err: errPathStart},
		{raw: "*", err: errPathStart},
		{raw: "?x", err: errPathStart},
		{raw: "http://api.example/x", err: errPathStart},
		{raw: "%2fadmin", err: errPathStart},
		{raw: "//", err: errPathEmpty},
		{raw: "/a//b", err: errPathEmpty},
		{raw: "/a//", err: errPathEmpty},
		{raw: "/.", err: errPathDots},
		{raw: "/a/../b", err: errPathDots},
		{raw: "/a/%2e%2E", err: errPathDots},
		{raw: "/a/.%2e/b", err: errPathDots},
		{raw: "/a;b", err: errPathByte},
		{raw: "/a#b", err: errPathByte},
		{raw: `/a\b`, err: errPathByte},
		{raw: "/a b", err: errPathByte},
		{raw: "/a\x7f", err: errPathByte},
		{raw: "/caf\u00e9", err: errPathByte},
		{raw: "/a%", err: errEscapeBroken},
		{raw: "/a%2", err: errEscapeBroken},
		{raw: "/a%zz", err: errEscapeBroken},
		{raw: "/a%u002e", err: errEscapeBroken},
		{raw: "/a%2fb", err: errEscapeByte},
		{raw: "/a%5Cb", err: errEscapeByte},
		{raw: "/a%252e", err: errEscapeByte},
		{raw: "/a%3bb", err: errEscapeByte},
		{raw: "/a%3f", err: errEscapeByte},
		{raw: "/a%23", err: errEscapeByte},
		{raw: "/a%00", err: errEscapeByte},
		{raw: "/a%7F", err: errEscapeByte},
		{raw: "/a%c2%85", err: errEscapeByte},
		{raw: "/a%c3", err: errEscapeUTF8},
		{raw: "/a%c3b", err: errEscapeUTF8},
		{raw: "/a%c0%ae", err: errEscapeUTF8},
		{raw: "/a%ed%a0%80", err: errEscapeUTF8},
		{raw: "/a%a9", err: errEscapeUTF8},
		{raw: "/a?b#c", err: errQueryByte},
		{raw: "/a?b c", err: errQueryByte},
		{raw: "/a?b\xff", err: errQueryByte},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.raw)
		if err != tt.err { //nolint:errorlint // TargetError is a value
			t.Errorf("%.80q: error %v, want %v", tt.raw, err, tt.err)
			continue
		}
		if err == nil && (got.Path != tt.path || got.Query != tt.query) {
			t.Errorf("%.80q: path %q query %q, want %q and %q", tt.raw, got.Path, got.Query, tt.path, tt.query)
		}
	}
}

func TestParseTargetAllocatesNothing(t *testing.T) {
	for _, raw := range []string{"/orders/7?x=1", "/caf%C3%A9/%20"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = ParseTarget(raw) }); n != 0 {
			t.Errorf("%s: %v allocations", raw, n)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, seed := range []string{
		"/", "/a/b?c=d", "/a//b", "/%2e%2e/x", "/caf%c3%a9", "/a%252f", "/a;b", "/%c0%ae", "*", "//", "/a/?#", "/%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := ParseTarget(raw)
		want, ok := slowTarget(raw)
		if (err == nil) != ok {
			t.Fatalf("%q: error %v, the slow reading says %v", raw, err, ok)
		}
		if err != nil {
			return
		}
		if got.Path != want {
			t.Fatalf("%q: path %q, the slow reading says %q", raw, got.Path, want)
		}
		joined := got.Raw
		if got.HasQuery {
			joined += "?" + got.Query
		}
		if joined != raw {
			t.Fatalf("%q: put together again it is %q", raw, joined)
		}
		again, err := ParseTarget(got.Path)
		if err != nil || again.Path != got.Path {
			t.Fatalf("%q: reading %q again gives %q, %v", raw, got.Path, again.Path, err)
		}
	})
}

var (
	notVisible   = regexp.MustCompile("[^\x21-\x7e]")
	notInQuery   = regexp.MustCompile("[^\x21-\x7e]|#")
	badEscape    = regexp.MustCompile(`(?i)%(2f|5c|25|3b|3f|23)`)
	anyEscape    = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	isUnreserved = regexp.MustCompile(`^[A-Za-z0-9._~-]$`)
)

// slowTarget says the same as ParseTarget in the words of the contract.
func slowTarget(raw string) (string, bool) {
	if len(raw) > 8192 {
		return "", false
	}
	path, query, _ := strings.Cut(raw, "?")
	if notInQuery.MatchString(query) || !utf8.ValidString(query) {
		return "", false
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, ";#\\<>\"^{|}`") ||
		notVisible.MatchString(path) || !utf8.ValidString(path) {
		return "", false
	}
	if badEscape.MatchString(path) {
		return "", false
	}
	decoded, err := url.PathUnescape(path)
	if err != nil || !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
		return "", false
	}
	for i, segment := range strings.Split(decoded, "/") {
		last := i == strings.Count(decoded, "/")
		if segment == "." || segment == ".." || segment == "" && i > 0 && !last {
			return "", false
		}
	}
	return anyEscape.ReplaceAllStringFunc(path, func(esc string) string {
		plain, _ := url.PathUnescape(esc)
		if isUnreserved.MatchString(plain) {
			return plain
		}
		return strings.ToUpper(esc)
	}), true
}
