package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/store"
)

func TestParseURL(t *testing.T) {
	hosts := func(h ...string) []string { return h }
	cases := map[string]store.Address{
		"memory:":                      {Scheme: store.SchemeMemory},
		"file:.tollgate":               {Scheme: store.SchemeFile, Path: ".tollgate"},
		"file:/var/lib/t:1":            {Scheme: store.SchemeFile, Path: "/var/lib/t:1"},
		"file:///var/lib/t":            {Scheme: store.SchemeFile, Path: "/var/lib/t"},
		"redis://h":                    {Scheme: store.SchemeRedis, Hosts: hosts("h:6379")},
		"redis://h:1/3":                {Scheme: store.SchemeRedis, Hosts: hosts("h:1"), DB: 3},
		"redis://h/":                   {Scheme: store.SchemeRedis, Hosts: hosts("h:6379")},
		"redis://h?db=4":               {Scheme: store.SchemeRedis, Hosts: hosts("h:6379"), DB: 4},
		"rediss://[::1]:7":             {Scheme: store.SchemeRedis, TLS: true, Hosts: hosts("[::1]:7")},
		"redis://[fe80::1]":            {Scheme: store.SchemeRedis, Hosts: hosts("[fe80::1]:6379")},
		"redis://:p%40%2F:x@h":         {Scheme: store.SchemeRedis, Password: "p@/:x", Hosts: hosts("h:6379")},
		"redis://u:p@x@h":              {Scheme: store.SchemeRedis, Username: "u", Password: "p@x", Hosts: hosts("h:6379")},
		"redis+unix:///r/s":            {Scheme: store.SchemeUnix, Path: "/r/s"},
		"redis+unix://:p@/r/s":         {Scheme: store.SchemeUnix, Path: "/r/s", Password: "p"},
		"redis+cluster://a?replicas=1": {Scheme: store.SchemeCluster, Hosts: hosts("a:6379"), Replicas: 1},
		"redis+unix:///s?db=1":         {Scheme: store.SchemeUnix, Path: "/s", DB: 1},
		"redis+cluster://a,b:1":        {Scheme: store.SchemeCluster, Hosts: hosts("a:6379", "b:1")},
		"rediss+cluster://a":           {Scheme: store.SchemeCluster, TLS: true, Hosts: hosts("a:6379")},
		"redis+sentinel://a,b:1/m": {
			Scheme: store.SchemeSentinel, Hosts: hosts("a:26379", "b:1"), Master: "m",
		},
		"rediss+sentinel://u:p@a/m?db=2": {
			Scheme: store.SchemeSentinel, TLS: true, Username: "u", Password: "p", Hosts: hosts("a:26379"), Master: "m", DB: 2,
		},
	}
	for text, want := range cases {
		got, err := store.ParseURL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.Transformer("fields", func(a store.Address) map[string]any {
			return map[string]any{"s": a.Scheme, "t": a.TLS, "p": a.Path, "h": a.Hosts, "m": a.Master, "d": a.DB, "u": a.Username, "w": a.Password}
		})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	const secret = "hunter2"
	for _, text := range []string{
		"", "memory", "memory:x", "file:", "file://dir", "http://h", "redis:h", "redis:/h", "redis://", "redis://a,b",
		"redis://h:0", "redis://h:65536", "redis://h:x", "redis://h/x", "redis://h/1/2", "redis://::1", "redis://h?db=x",
		"redis://h?x=1", "redis://h?replicas=0", "redis://h?replicas=17", "redis://h?replicas=x", "redis://h?db=1&db=2", "redis://h#f", "redis://h h", "redis://u@h", "redis://u:%zz@h", "redis+unix://h/s",
		"redis+unix://", "rediss+unix:///s", "redis+cluster://", "redis+cluster://a,", "redis+cluster://a/1",
		"redis+cluster://a?db=1", "redis+sentinel://a", "redis+sentinel://a/", "redis+sentinel://a/m/1", "rediss+x://a",
		"redis://u:" + secret + "@h:x", "redis://:" + secret + "@", secret + "://h", secret, "redis://h:" + secret,
	} {
		if a, err := store.ParseURL(text); err == nil {
			t.Errorf("%s: taken as %v", text, a)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows what may be a password: %v", text, err)
		}
	}
}

func TestAddressHidesPassword(t *testing.T) {
	for _, text := range []string{"redis://u:hunter2@h", "rediss+sentinel://u:hunter2@h/m", "redis+unix://:hunter2@/s"} {
		a, err := store.ParseURL(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if got := fmt.Sprintf(format, a); strings.Contains(got, "hunter2") {
				t.Errorf("%s of %s shows the password", format, a)
			}
		}
	}
}

// FuzzParseURL: what is taken is shown as a URL that is taken as the same, but
// for user and password.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"memory:", "file:///x", "redis://u:p@h:1/2", "rediss+sentinel://a,[::1]:2/m?db=3", "redis+unix:///s", "redis+cluster://a%2c",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := store.ParseURL(text)
		if err != nil {
			return
		}
		if a.Scheme == store.SchemeUnix || a.Scheme == store.SchemeSentinel {
			return // a path may need escapes again
		}
		b, err := store.ParseURL(a.String())
		if err != nil {
			t.Fatalf("%q is shown as %q: %v", text, a, err)
		}
		if a.Scheme != b.Scheme || a.TLS != b.TLS || a.Path != b.Path || !cmp.Equal(a.Hosts, b.Hosts) {
			t.Fatalf("%q is shown as %q, which is another", text, a)
		}
	})
}
