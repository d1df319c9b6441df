package policies

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// claims is a token's claims: a string, a []string, or anything else.
type claims map[string]any

func (c claims) Texts(name string) ([]string, Form) {
	switch v := c[name].(type) {
	case nil:
		return nil, Absent
	case string:
		return []string{v}, Text
	case []string:
		return v, List
	}
	return nil, Unreadable
}

func testSet(t *testing.T) *Set {
	t.Helper()
	var specs []Spec
	for _, id := range []string{"base", "p1", "p2", "d1", "d2"} {
		specs = append(specs, Spec{ID: id, Access: []AccessSpec{{API: "orders", All: true}}})
	}
	specs = append(specs, Spec{ID: "off", Inactive: true, Access: []AccessSpec{{API: "orders", All: true}}})
	return compileGood(t, specs)
}

func TestChoose(t *testing.T) {
	scopeMap := map[string][]string{"read": {"p1"}, "write": {"p2"}, "all": {"p2", "p1"}}
	full := SelectorSpec{Claims: []string{"pol", "groups"}, Default: []string{"d2", "d1"}, ScopeMap: scopeMap}
	noDefault := SelectorSpec{Claims: []string{"pol"}, ScopeMap: scopeMap}
	bare := SelectorSpec{Claims: []string{"pol"}}
	own := SelectorSpec{ScopeClaims: []string{"perm.list"}, ScopeMap: scopeMap}
	tests := []struct {
		name   string
		spec   SelectorSpec
		claims claims
		ids    []string // nil: refused
		scopes []string
	}{
		{"text", full, claims{"pol": "base"}, []string{"base"}, nil},
		{"list", full, claims{"pol": []string{"p2", "base", "p2", ""}}, []string{"base", "p2"}, nil},
		{"a text is one id", full, claims{"pol": "p1,p2"}, []string{"p1,p2"}, nil},
		{"claims are united", full, claims{"pol": "base", "groups": []string{"p1"}}, []string{"base", "p1"}, nil},
		{"claim and scopes together", full, claims{"pol": "base", "scope": "read  other"}, []string{"base", "p1"}, []string{"other", "read"}},
		{"scope list", full, claims{"scp": []string{"read", "write x"}}, []string{"p1"}, []string{"read", "write x"}},
		{"scope and scp together", full, claims{"scp": []string{"read"}, "scope": "write"}, []string{"p1", "p2"}, []string{"read", "write"}},
		{"one scope, several policies", full, claims{"scope": "all"}, []string{"p1", "p2"}, []string{"all"}},
		{"default", full, claims{}, []string{"d1", "d2"}, nil},
		{"default with unmapped scopes", full, claims{"scope": "other"}, []string{"d1", "d2"}, []string{"other"}},
		{"empty claim", full, claims{"pol": "", "groups": []string{}}, []string{"d1", "d2"}, nil},
		{"no default", noDefault, claims{"scope": "other"}, nil, nil},
		{"nothing", bare, claims{}, nil, nil},
		{"unreadable policy claim", full, claims{"pol": 7}, nil, nil},
		{"unreadable scope that chooses", full, claims{"scope": 7}, nil, nil},
		{"unreadable scope that chooses nothing", bare, claims{"pol": "base", "scope": 7}, []string{"base"}, nil},
		{"own scope claim", own, claims{"perm.list": []string{"read"}, "scope": "write"}, []string{"p1"}, []string{"read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, problems := CompileSelector(tt.spec, testSet(t))
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			got, err := s.Choose(tt.claims)
			if (err == nil) != (tt.ids != nil) {
				t.Fatalf("error %v", err)
			}
			if d := cmp.Diff(tt.ids, got.IDs); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(ScopesOf(tt.scopes...).List(), got.Scopes.List()); d != "" && err == nil {
				t.Error(d)
			}
		})
	}
}

// The thirteen combinations of claim, default, map and scopes as Tyk has them for
// a new session.
func TestChooseAsTyk(t *testing.T) {
	tests := []struct {
		claim, fallback, mapped bool
		scope                   string
		ids                     []string
	}{
		{true, true, false, "", []string{"base"}},
		{true, true, true, "", []string{"base"}},
		{true, true, true, "read", []string{"base", "p1"}},
		{true, true, true, "other", []string{"base"}},
		{false, true, false, "", []string{"d1", "d2"}},
		{false, true, false, "read", []string{"d1", "d2"}},
		{false, true, true, "", []string{"d1", "d2"}},
		{false, true, true, "read", []string{"p1"}},
		{false, true, true, "other", nil},
		{false, false, true, "read write", []string{"p1", "p2"}},
		{false, false, true, "other", nil},
		{false, false, true, "", nil},
		{false, false, false, "", nil},
	}
	for _, tt := range tests {
		spec := SelectorSpec{Claims: []string{"first", "pol"}, Tyk: true}
		if tt.fallback {
			spec.Default = []string{"d1", "d2"}
		}
		if tt.mapped {
			spec.ScopeMap = map[string][]string{"read": {"p1"}, "write": {"p2"}}
		}
		token := claims{}
		if tt.claim {
			token["pol"] = "base"
		}
		if tt.scope != "" {
			token["scope"] = tt.scope
		}
		s, _ := CompileSelector(spec, testSet(t))
		got, err := s.Choose(token)
		if d := cmp.Diff(tt.ids, got.IDs); d != "" || (err == nil) != (tt.ids != nil) {
			t.Errorf("%+v: %v\n%s", tt, err, d)
		}
	}
}

func TestChooseErrors(t *testing.T) {
	s, _ := CompileSelector(SelectorSpec{Claims: []string{"pol"}}, testSet(t))
	var missing *MissingError
	if _, err := s.Choose(claims{}); !errors.As(err, &missing) {
		t.Errorf("%v", err)
	}
	var claim *ClaimError
	if _, err := s.Choose(claims{"pol": map[string]any{}}); !errors.As(err, &claim) || claim.Claim != "pol" {
		t.Errorf("%v", err)
	}
}

func TestSelectorProblems(t *testing.T) {
	set := testSet(t)
	tests := []struct {
		spec SelectorSpec
		want string
	}{
		{SelectorSpec{Default: []string{"base", "bsae"}}, "/default/1 does not exist"},
		{SelectorSpec{Default: []string{"bse"}}, "/default/0 does not exist (did you mean base?)"},
		{SelectorSpec{Default: []string{"nope"}, Tyk: true}, "~/default/0 does not exist"},
		{SelectorSpec{Default: []string{"off"}}, "~/default/0 inactive"},
		{SelectorSpec{ScopeMap: map[string][]string{"a/b": {"base", "nope"}}}, "/scopes/map/a~1b/1 does not exist"},
		{SelectorSpec{ScopeMap: map[string][]string{`a"b`: {"base"}}}, `/scopes/map/a"b no token can hold`},
		{SelectorSpec{ScopeMap: map[string][]string{"a b": {"base"}}, Tyk: true}, ""},
		{SelectorSpec{ScopeMap: map[string][]string{"a": {}}}, "~/scopes/map/a gives no policy"},
		{SelectorSpec{Claims: []string{""}}, "/claims/0 needs a name"},
		{SelectorSpec{ScopeClaims: []string{"scp", ""}}, "/scopes/claims/1 needs a name"},
	}
	for _, tt := range tests {
		_, problems := CompileSelector(tt.spec, set)
		checkProblem(t, tt.want, problems)
	}
}

func TestScopes(t *testing.T) {
	s := ScopesOf("b", "a", "", "b")
	if d := cmp.Diff([]string{"a", "b"}, s.List()); d != "" {
		t.Error(d)
	}
	for need, want := range map[string]bool{"": true, "a": true, "b  a": true, "a c": false, "A": false} {
		if got := s.CoverText(need); got != want {
			t.Errorf("%q: %v", need, got)
		}
	}
	if !s.Has("a") || s.Has("c") || (Scopes{}).Has("") || !(Scopes{}).Cover(nil) || (Scopes{}).Cover([]string{"a"}) {
		t.Error("Has and Cover disagree")
	}
	if n := testing.AllocsPerRun(100, func() { s.CoverText("a b a") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
