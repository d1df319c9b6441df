package authz

import (
	"slices"
	"strings"
	"testing"
)

func TestFindAndDropQuery(t *testing.T) {
	tests := []struct {
		target, value string
		reason        Reason
		rest          string
	}{
		{target: "/a", rest: "/a"},
		{target: "/a?", rest: "/a?"},
		{target: "/a?token=x", value: "x", rest: "/a"},
		{target: "/a?token=x&b=2", value: "x", rest: "/a?b=2"},
		{target: "/a?z=1&token=x&a=2", value: "x", rest: "/a?z=1&a=2"},
		{target: "/a?z=1&token=x", value: "x", rest: "/a?z=1"},
		{target: "/a?&token=x&&b=%20+%zz", value: "x", rest: "/a?&&b=%20+%zz"},
		{target: "/a?b=c?d&token=x?y", value: "x?y", rest: "/a?b=c?d"},
		{target: "/a?tokens=1&mytoken=2&Token=3", rest: "/a?tokens=1&mytoken=2&Token=3"},
		{target: "/a?tok%65n=x", rest: "/a?tok%65n=x"},
		{target: "/a?b=1;token=x", rest: "/a?b=1;token=x"},
		{target: "/a?token", rest: "/a"},
		{target: "/a?token=", rest: "/a"},
		{target: "/a?token=a%2Eb%2ec", value: "a.b.c", rest: "/a"},
		{target: "/a?token=Bearer+x", value: "Bearer x", rest: "/a"},
		{target: "/a?token=%zz", reason: TokenMalformed, rest: "/a"},
		{target: "/a?token=x&token=x", reason: RequestMalformed, rest: "/a"},
		{target: "/a?token=x&b=1&token=", reason: RequestMalformed, rest: "/a?b=1"},
		// What another reader takes for the name stands beside it.
		{target: "/a?tok%65n=y&token=x", reason: RequestMalformed, rest: "/a?tok%65n=y"},
		{target: "/a?token=x&%74oken=", reason: RequestMalformed, rest: "/a?%74oken="},
		{target: "/a?b=1;token=y&token=x", reason: RequestMalformed, rest: "/a?b=1;token=y"},
		{target: "/a?b=1;%74oken&token=x", reason: RequestMalformed, rest: "/a?b=1;%74oken"},
		{target: "/a?b=1;mytoken=2&%zz=1;token%=2&token=x", value: "x", rest: "/a?b=1;mytoken=2&%zz=1;token%=2"},
	}
	for _, tt := range tests {
		value, reason := findQuery(tt.target, "token")
		if value != tt.value || reason != tt.reason {
			t.Errorf("findQuery(%q) = %q, %q; want %q, %q", tt.target, value, reason, tt.value, tt.reason)
		}
		if rest := dropQuery(tt.target, "token"); rest != tt.rest {
			t.Errorf("dropQuery(%q) = %q; want %q", tt.target, rest, tt.rest)
		}
	}
}

// FuzzQuery: no other parameter is lost, changed or moved, the path stays.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"/a?token=x&b=2", "/a?b=1&token=x", "/a", "/a?", "/?&&token", "?token=%zz", "/a?token=x?token=y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		rest := dropQuery(target, "token")
		path, query, has := strings.Cut(target, "?")
		var want []string
		found := 0
		for pair := range strings.SplitSeq(query, "&") {
			if name, _, _ := strings.Cut(pair, "="); name == "token" {
				found++
				continue
			}
			want = append(want, pair)
		}
		wantRest := path
		if has && len(want) > 0 {
			wantRest += "?" + strings.Join(want, "&")
		}
		if rest != wantRest {
			t.Fatalf("%q became %q; want %q", target, rest, wantRest)
		}
		if _, reason := findQuery(target, "token"); found > 1 && reason == "" {
			t.Fatalf("two parameters of the name in %q pass", target)
		}
		replaced := rewriteQuery(target, "token", "token=z")
		if found == 1 && slices.Compare(strings.Split(replaced, "&"), strings.Split(target, "&")) != 0 && !strings.Contains(replaced, "token=z") {
			t.Fatalf("%q became %q", target, replaced)
		}
	})
}
