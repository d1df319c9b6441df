package policies

import (
	"testing"
	"time"
)

func inlineSet(t *testing.T) *Set {
	t.Helper()
	set, problems := Compile([]Spec{
		{ID: "basic", Rate: &Rate{Requests: 10, Per: time.Minute}, Quota: &Quota{Requests: 100, Per: time.Hour}, Access: []AccessSpec{{API: "a", Allow: []AllowSpec{
			{Methods: []string{"GET"}, Path: "/a"}, {Methods: []string{"POST"}, Path: "/a", Rate: &Rate{Requests: 1, Per: time.Second}},
		}}}},
		{ID: "off", Inactive: true, Access: []AccessSpec{{API: "a", All: true}}},
	}, []string{"a", "b"}, "")
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	return set
}

func mustTarget(t *testing.T, raw string) Target {
	t.Helper()
	target, err := ParseTarget(raw)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestInlineUnitesRightsAndStandsInForLimits(t *testing.T) {
	set := inlineSet(t)
	in, problems := set.CompileInline(&Spec{
		ID: "session", Rate: &Rate{Requests: 3, Per: time.Second}, Quota: &Quota{Requests: 5, Per: time.Hour},
		Access: []AccessSpec{{API: "b", All: true}},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g, err := set.MergeInline("", []string{"basic"}, in)
	if err != nil {
		t.Fatal(err)
	}
	if g.PoliciesText() != "basic" {
		t.Errorf("policies %q", g.PoliciesText())
	}
	for _, c := range []struct {
		api, method, path string
		permission        Permission
		rate              int64
	}{
		{"a", "GET", "/a", Allowed, 3}, {"a", "POST", "/a", Allowed, 1}, {"a", "GET", "/x", Refused, 0}, {"b", "PUT", "/any", Allowed, 3},
	} {
		v := g.API(c.api).Permits(c.method, mustTarget(t, c.path), Scopes{})
		if v.Permission != c.permission {
			t.Errorf("%s %s %s: %v", c.api, c.method, c.path, v.Permission)
			continue
		}
		if c.permission == Allowed && (v.Rate == nil || v.Rate.Rate.Requests != c.rate || v.Quota == nil || v.Quota.Quota.Requests != 5) {
			t.Errorf("%s %s %s: rate %+v quota %+v", c.api, c.method, c.path, v.Rate, v.Quota)
		}
	}
	if g.API("c") != nil {
		t.Error("an API that nothing grants")
	}
}

func TestInlineAloneAndWithoutAnything(t *testing.T) {
	set := inlineSet(t)
	alone, problems := set.CompileInline(&Spec{ID: "session", Access: []AccessSpec{{API: "b", All: true}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	g, err := set.MergeInline("", nil, alone)
	if err != nil || g.API("b").Permits("GET", mustTarget(t, "/"), Scopes{}).Permission != Allowed || g.API("a") != nil {
		t.Errorf("rights of its own alone: %v", err)
	}
	nothing, _ := set.CompileInline(&Spec{ID: "session"})
	if _, err := set.MergeInline("", nil, nothing); err == nil {
		t.Error("nothing granted, and no error")
	}
	for _, id := range []string{"unknown", "off"} {
		if _, err := set.MergeInline("", []string{"basic", id}, alone); err == nil {
			t.Errorf("policy %s was taken", id)
		}
	}
	if in, problems := set.CompileInline(&Spec{ID: "s", Rate: &Rate{Requests: 3}}); in != nil || len(problems) == 0 {
		t.Error("a rate without per was taken")
	}
	if in, problems := set.CompileInline(&Spec{ID: "s", Access: []AccessSpec{{API: "nope", All: true}}}); in != nil || len(problems) == 0 {
		t.Error("an unknown API was taken")
	}
}
