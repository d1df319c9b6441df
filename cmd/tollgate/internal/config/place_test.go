package config

import (
	"fmt"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
)

// TestLocate: pointers of the engine lead to the place in the file, or as near
// as the file goes.
func TestLocate(t *testing.T) {
	d := &document{name: "f.yaml", data: []byte(`version: 1
base: &base
  limits: {rate: 5}
apis:
  - id: a
    split: allowed
    inject: {x-user: $claims.sub, "a/b~c": text}
    <<: *base
policies:
  - {id: p, access: {a: {allow: [{path: /}, {path: /b}]}}}
`)}
	if problems := d.parse(); problems != nil {
		t.Fatal(lines(problems))
	}
	o := &origins{main: d, overrides: map[string]string{"/log/level": "TOLLGATE_LOG_LEVEL"}}
	for section, list := range map[string]*[]origin{"apis": &o.apis, "policies": &o.policies} {
		*list = append(*list, origin{doc: d, node: child(child(d.root, section), "0"), at: "/" + section + "/0"})
	}
	for pointer, want := range map[string]string{
		"":                                  "f.yaml:1:1",
		"/version":                          "f.yaml:1:10",
		"/nowhere":                          "f.yaml:1:1",
		"/apis/0":                           "f.yaml:5:5",
		"/apis/0/id":                        "f.yaml:5:9",
		"/apis/0/keys":                      "f.yaml:5:5",
		"/apis/0/split/mode":                "f.yaml:6:12",
		"/apis/0/inject/x-user":             "f.yaml:7:22",
		"/apis/0/inject/1":                  "f.yaml:7:44",
		"/apis/0/inject/a~1b~0c":            "f.yaml:7:44",
		"/apis/0/limits/rate":               "f.yaml:3:18",
		"/apis/7/id":                        "f.yaml:5:3",
		"/policies/0/access/a/allow/1/path": "f.yaml:10:52",
		"/policies/0/access/0/allow/9":      "f.yaml:10:33",
		"/log/level":                        "TOLLGATE_LOG_LEVEL:0:0",
	} {
		p := o.locate(pointer)
		if got := fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column); got != want {
			t.Errorf("%q: %s, want %s", pointer, got, want)
		}
	}
}

// TestSubject: a message that only says what is wrong gets its subject.
func TestSubject(t *testing.T) {
	for _, c := range []struct{ at, what, want string }{
		{"/answers/realm", "is no good", "realm is no good"},
		{"/apis/0/algorithms/2", "is no signature algorithm", "algorithms[2] is no signature algorithm"},
		{"/apis/0/inject/a~1b", "cannot be set", "a/b cannot be set"},
		{"/apis/0/split", "not available yet", "split is not available yet"},
		{"/apis/0/id", "two APIs have the id a", "two APIs have the id a"},
	} {
		if got := subject(authz.Problem{At: c.at, What: c.what}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestFollows: a consequence of something known is not reported again.
func TestFollows(t *testing.T) {
	for _, c := range []struct {
		known, found string
		want         bool
	}{
		{"/apis/0/keys/1/secret", "/apis/0/keys/1", true},
		{"/apis/0/keys/1/secret", "/apis/0/keys", true},
		{"/apis/0/keys/1/secret", "/apis/0/keys/1/secret", true},
		{"/apis/0/keys/1", "/apis/0/keys/1/secret", true},
		{"/apis/0/keys/1/secret", "/apis/0/algorithms/0", true},
		{"/apis/0/id", "/policies/3/access/orders", true},
		{"/policies/0/id", "/apis/0/policies/default/0", true},
		{"/include/0", "/apis/0/policies/default/0", true},
		{"", "/apis/0/policies/default/0", true},
		{"/apis/0/keys/1/secret", "/apis/1/algorithms/0", false},
		{"/apis/0/keys/1/secret", "/apis/0/keys/10", false},
		{"/apis/0/keys/1/secret", "/apis/0/claims/skew", false},
		{"/apis/0/keys/1/secret", "/policies/0/access/orders", false},
		{"/log/level", "/apis/0/id", false},
	} {
		known := []Problem{{File: "f", At: c.known}}
		if got := follows(Problem{File: "f", At: c.found}, known); got != c.want {
			t.Errorf("%s after %s: %v, want %v", c.found, c.known, got, c.want)
		}
		known[0].Warning = true
		if follows(Problem{File: "f", At: c.found}, known) {
			t.Errorf("%s follows from a warning at %s", c.found, c.known)
		}
	}
}
