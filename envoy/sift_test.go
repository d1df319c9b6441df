package envoy

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
)

func TestSiftEdits(t *testing.T) {
	long := strings.Repeat("a", maxValue+1)
	tests := map[string]struct {
		edits   []authz.Edit
		target  string
		want    []authz.Edit
		dropped int
		err     error
	}{
		"sorted by name": {
			edits: []authz.Edit{{Name: "x-b", Value: "2"}, {Name: "authorization", Remove: true}, {Name: "x-a", Value: "1"}},
			want:  []authz.Edit{{Name: "authorization", Remove: true}, {Name: "x-a", Value: "1"}, {Name: "x-b", Value: "2"}},
		},
		"empty value becomes a removal":   {edits: []authz.Edit{{Name: "x-a"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"line break becomes a removal":    {edits: []authz.Edit{{Name: "x-a", Value: "a\r\nb: c"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"NUL becomes a removal":           {edits: []authz.Edit{{Name: "x-a", Value: "a\x00"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"tab becomes a removal":           {edits: []authz.Edit{{Name: "x-a", Value: "a\tb"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"C1 control becomes a removal":    {edits: []authz.Edit{{Name: "x-a", Value: "a\u0085"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"no UTF-8 becomes a removal":      {edits: []authz.Edit{{Name: "x-a", Value: "a\xff"}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"too long becomes a removal":      {edits: []authz.Edit{{Name: "x-a", Value: long}}, want: []authz.Edit{{Name: "x-a", Remove: true}}, dropped: 1},
		"text beyond ASCII is text":       {edits: []authz.Edit{{Name: "x-a", Value: "Zoë"}}, want: []authz.Edit{{Name: "x-a", Value: "Zoë"}}},
		"cookie may be long and hold tab": {edits: []authz.Edit{{Name: "cookie", Value: "a=\t" + long}}, want: []authz.Edit{{Name: "cookie", Value: "a=\t" + long}}},
		"cookie of no text":               {edits: []authz.Edit{{Name: "cookie", Value: "a=\xff"}}, err: errCookie},
		"empty cookie":                    {edits: []authz.Edit{{Name: "cookie"}}, err: errCookie},
		"authorization with line break":   {edits: []authz.Edit{{Name: "authorization", Value: "Bearer a\nb"}}, err: errCookie},
		"path":                            {edits: []authz.Edit{{Name: ":path", Value: "/a?b=1"}}, target: "/a?t=x&b=1", want: []authz.Edit{{Name: ":path", Value: "/a?b=1"}}},
		"path where there is none":        {edits: []authz.Edit{{Name: ":path", Value: "/a"}}, err: errTarget},
		"path removed":                    {edits: []authz.Edit{{Name: ":path", Remove: true}}, target: "/a", err: errTarget},
		"path with a blank":               {edits: []authz.Edit{{Name: ":path", Value: "/a b"}}, target: "/a", err: errTarget},
		"path without slash":              {edits: []authz.Edit{{Name: ":path", Value: "a"}}, target: "/a", err: errTarget},
		"a client's long name removed":    {edits: []authz.Edit{{Name: strings.Repeat("n", 300), Remove: true}}, want: []authz.Edit{{Name: strings.Repeat("n", 300), Remove: true}}},
		"set and removed":                 {edits: []authz.Edit{{Name: "x-a", Remove: true}, {Name: "x-a", Value: "1"}}, err: errTwice},
		"too much in all": {
			edits: []authz.Edit{{Name: "x-a", Value: strings.Repeat("a", 5000)}, {Name: "x-b", Value: strings.Repeat("b", 5000)}}, err: errBudget,
		},
	}
	for _, name := range []string{
		"", "X-A", "x a", "x:a", ":method", ":authority", ":scheme", "host", "content-length", "transfer-encoding",
		"connection", "te", "upgrade", "x-envoy-upstream-rq-timeout-ms", "é", "x\r\ny", strings.Repeat("n", 300),
	} {
		tests["name "+name] = struct {
			edits   []authz.Edit
			target  string
			want    []authz.Edit
			dropped int
			err     error
		}{edits: []authz.Edit{{Name: name, Value: "v"}}, err: errName}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(test.edits)
			got, dropped, err := siftEdits(test.edits, test.target)
			if !errors.Is(err, test.err) {
				t.Fatalf("error = %v, want %v", err, test.err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("edits (-want +got):\n%s", diff)
			}
			if dropped != test.dropped {
				t.Errorf("dropped = %d, want %d", dropped, test.dropped)
			}
			if !slices.Equal(given, test.edits) {
				t.Error("the engine's slice was changed")
			}
		})
	}
}

func TestSiftStatus(t *testing.T) {
	for status, want := range map[int]int{
		0: 503, 99: 503, 200: 503, 204: 503, 302: 503, 399: 503, 400: 400, 401: 401, 403: 403, 404: 404,
		418: 503, 429: 429, 451: 503, 503: 503, 599: 503, 700: 503, -1: 503,
	} {
		if got := siftStatus(status); got != want {
			t.Errorf("siftStatus(%d) = %d, want %d", status, got, want)
		}
	}
}

func TestSiftBody(t *testing.T) {
	if got := siftBody("é"+strings.Repeat("a", maxBody), http.StatusForbidden); got != "Forbidden" {
		t.Errorf("a long body became %d bytes", len(got))
	}
	if got := siftBody("a\xff", http.StatusForbidden); got != "Forbidden" {
		t.Errorf("a body of no text became %q", got)
	}
	if got := siftBody("{}", http.StatusForbidden); got != "{}" {
		t.Errorf("a good body became %q", got)
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{
		"a\xffb":                     "ab",
		strings.Repeat("a", maxMeta): strings.Repeat("a", maxMeta),
		strings.Repeat("a", maxMeta-1) + "é" + "b": strings.Repeat("a", maxMeta-1),
	} {
		if got := clip(in); got != want {
			t.Errorf("clip of %d bytes gave %d", len(in), len(got))
		}
	}
}

// FuzzEdit: no edit that leaves can hold what ends a header line, is empty or is
// no text, whatever the engine made of a client's bytes. The oracle reads runes,
// the code bytes.
func FuzzEdit(f *testing.F) {
	for _, seed := range []struct{ name, value, target string }{
		{"x-tollgate-subject", "alice", "/"},
		{"x-a", "a\r\nset-cookie: b=1", "/a?b"},
		{":path", "/a?b=1", "/a?token=x&b=1"},
		{"cookie", "a=1; b=2", "/"},
		{"authorization", "Bearer \u0085", ""},
		{"host", "evil.example", "/"},
		{"x-a", "\xf0\x9f\x98", "/"},
		{"x-envoy-retry-on", "5xx", "/"},
	} {
		f.Add(seed.name, seed.value, seed.target)
	}
	f.Fuzz(func(t *testing.T, name, value, target string) {
		edits, _, err := siftEdits([]authz.Edit{{Name: name, Value: value}}, target)
		if err != nil {
			return
		}
		if len(edits) != 1 || edits[0].Name != name {
			t.Fatalf("one edit became %d", len(edits))
		}
		for _, c := range name {
			if c <= ' ' || c > '~' || c >= 'A' && c <= 'Z' || strings.ContainsRune(`"(),/;<=>?@[\]{}`, c) || c == ':' && name != ":path" {
				t.Fatalf("name %q was let through", name)
			}
		}
		if slices.Contains([]string{"", "host", "content-length", "transfer-encoding", "connection", "te", "upgrade"}, name) ||
			strings.HasPrefix(name, "x-envoy-") {
			t.Fatalf("name %q was let through", name)
		}
		if name == ":path" && (target == "" || edits[0].Remove || !strings.HasPrefix(edits[0].Value, "/")) {
			t.Fatal("the target was overwritten where it cannot")
		}
		if edits[0].Remove {
			return
		}
		if edits[0].Value != value || value == "" || !utf8.ValidString(value) {
			t.Fatalf("value of %d bytes was let through", len(value))
		}
		for _, c := range value {
			tab := c == '\t' && (name == "cookie" || name == "authorization")
			if !tab && (c < 0x20 || c >= 0x7f && c < 0xa0) {
				t.Fatalf("control %U was let through", c)
			}
		}
	})
}
