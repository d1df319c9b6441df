package authz

import (
	"slices"
	"strings"
	"testing"
)

func TestFindAndDropCookie(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		value string
		bad   bool
		rest  string
	}{
		{name: "none", lines: nil},
		{name: "alone", lines: []string{"token=x"}, value: "x"},
		{name: "first", lines: []string{"token=x; a=1"}, value: "x", rest: "a=1"},
		{name: "middle", lines: []string{"a=1; token=x; b=2"}, value: "x", rest: "a=1; b=2"},
		{name: "last", lines: []string{"a=1; token=x"}, value: "x", rest: "a=1"},
		{name: "odd blanks kept", lines: []string{"a=1 ;\tb=\"2\";token=x ;c"}, value: "x", rest: "a=1 ;\tb=\"2\";c"},
		{name: "blanks around the name", lines: []string{"a=1; token = x"}, value: "x", rest: "a=1"},
		{name: "longer names stay", lines: []string{"tokens=1; mytoken=2; token=x; Token=3"}, value: "x", rest: "tokens=1; mytoken=2; Token=3"},
		{name: "value with =", lines: []string{"token=a=b"}, value: "a=b"},
		{name: "no value", lines: []string{"token=; a=1"}, rest: "a=1"},
		{name: "no pair", lines: []string{"token; a=1"}, rest: "token; a=1"},
		{name: "empty pairs", lines: []string{";; token=x;"}, value: "x", rest: ";;"},
		{name: "two lines", lines: []string{"a=1; token=x", "b=2"}, value: "x", rest: "a=1; b=2"},
		{name: "a line goes", lines: []string{"token=x", "b=2"}, value: "x", rest: "b=2"},
		{name: "twice", lines: []string{"token=x; token=x"}, bad: true},
		{name: "twice in lines", lines: []string{"token=x", "token=y"}, bad: true},
		{name: "glued", lines: []string{"token=x,token=y"}, bad: true},
		{name: "glued behind another", lines: []string{"token=x; a=1, token=y"}, bad: true},
		{name: "glued alone", lines: []string{"a=1,token=y"}, bad: true},
		{name: "comma in the value", lines: []string{"token=x,b=2"}, bad: true},
		{name: "comma elsewhere", lines: []string{"a=1,2; token=x"}, value: "x", rest: "a=1,2"},
		{name: "quotes are part of it", lines: []string{`token="x"`}, value: `"x"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := get("/")
			for _, line := range tt.lines {
				req.with("Cookie: " + line)
			}
			value, reason := findCookie(req, "token")
			if (reason == RequestMalformed) != tt.bad || value != tt.value {
				t.Fatalf("findCookie = %q, %q; want %q, bad %v", value, reason, tt.value, tt.bad)
			}
			if rest := dropCookie(req, "token"); !tt.bad && rest != tt.rest {
				t.Errorf("dropCookie = %q; want %q", rest, tt.rest)
			}
		})
	}
}

// FuzzCookie: whatever a client sends, no other cookie is lost, changed or moved,
// and none of the credential stays.
func FuzzCookie(f *testing.F) {
	for _, seed := range []string{"a=1; token=x; b=2", "token=x", "token=;;token=y", "a=\"1;2\"", " ; ", "token", "a=1,token=2"} {
		f.Add(seed, "b=3")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		req := get("/")
		req.headers = [][2]string{{"cookie", one}, {"cookie", two}}
		rest := dropCookie(req, "token")
		var want []string
		found, last := 0, ""
		for pair := range strings.SplitSeq(one+";"+two, ";") {
			name, value, ok := strings.Cut(pair, "=")
			switch {
			case ok && strings.Trim(name, " \t") == "token":
				found++
				last = strings.Trim(value, " \t")
			case strings.Trim(pair, " \t") != "":
				want = append(want, strings.Trim(pair, " \t"))
			}
		}
		var got []string
		for pair := range strings.SplitSeq(rest, ";") {
			if pair = strings.Trim(pair, " \t"); pair != "" {
				got = append(got, pair)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q and %q became %q", one, two, rest)
		}
		value, reason := findCookie(req, "token")
		if found > 1 && reason == "" {
			t.Fatalf("two cookies of the name in %q and %q pass", one, two)
		}
		if reason == "" && value != last {
			t.Fatalf("findCookie = %q; want %q", value, last)
		}
		if strings.Contains(value, ",") {
			t.Fatalf("a value with a comma passes: %q", value)
		}
	})
}
