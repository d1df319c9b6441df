package policies

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var testAPIs = []string{"orders", "stock"}

func drawPath(t *rapid.T, label string) string {
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "a%20b"}), 0, 3).Draw(t, label)
	path := ""
	for _, s := range segments {
		path += "/" + s
	}
	if path == "" || rapid.Bool().Draw(t, label+" slash") {
		path += "/"
	}
	return path
}

func drawPattern(t *rapid.T) string {
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		return drawPath(t, "exact")
	case 1:
		return rapid.SampledFrom([]string{
			"regex:^/a/.*$", "regex:^/[ab]$", "regex:^/a|/b$", "regex:^.*b$", "regex:^/a/b/(a|b)$", "regex:^(/a)+$",
		}).Draw(t, "regex")
	}
	segments := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "{x}"}), 0, 3).Draw(t, "template")
	pattern := ""
	for _, s := range segments {
		pattern += "/" + s
	}
	if pattern == "" || rapid.Bool().Draw(t, "deep") {
		pattern += "/**"
	}
	return pattern
}

func drawRate(t *rapid.T) *Rate {
	return rapid.SampledFrom([]*Rate{
		nil, nil,
		{Requests: -1},
		{Requests: 0, Per: time.Second},
		{Requests: 10, Per: time.Second},
		{Requests: 20, Per: 2 * time.Second},
		{Requests: 600, Per: time.Minute},
		{Requests: 601, Per: time.Minute},
		{Requests: 1 << 62, Per: time.Hour},
		{Requests: 1<<62 - 1, Per: time.Hour},
	}).Draw(t, "rate")
}

var drawScopes = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"s1", "s2", "s3"}), 0, 2, rapid.ID)

func drawAccess(t *rapid.T, api string) AccessSpec {
	access := AccessSpec{API: api, All: rapid.IntRange(0, 4).Draw(t, "all") == 0}
	if access.All {
		return access
	}
	said := map[string]bool{}
	for range rapid.IntRange(0, 5).Draw(t, "entries") {
		entry := AllowSpec{
			Methods:       rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"GET", "POST"}), 1, 2, rapid.ID).Draw(t, "methods"),
			Path:          drawPattern(t),
			RequireScopes: drawScopes.Draw(t, "entry scopes"),
			Rate:          drawRate(t),
		}
		if text := entryText(&entry); !said[text] {
			said[text] = true
			access.Allow = append(access.Allow, entry)
		}
	}
	return access
}

func drawSpecs(t *rapid.T) []Spec {
	var specs []Spec
	for i := range rapid.IntRange(1, 5).Draw(t, "policies") {
		spec := Spec{
			ID:            fmt.Sprintf("p%d", i),
			RequireScopes: drawScopes.Draw(t, "policy scopes"),
			Rate:          drawRate(t),
			PerAPI:        rapid.Bool().Draw(t, "per api"),
			Tags:          rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 2).Draw(t, "tags"),
		}
		if r := drawRate(t); r != nil {
			spec.Quota = &Quota{Requests: r.Requests, Per: r.Per}
		}
		for _, api := range testAPIs {
			if rapid.IntRange(0, 3).Draw(t, "grants") > 0 {
				spec.Access = append(spec.Access, drawAccess(t, api))
			}
		}
		specs = append(specs, spec)
	}
	return specs
}

type request struct {
	api, method string
	target      Target
	scopes      Scopes
}

func drawRequest(t *rapid.T) request {
	target, err := ParseTarget(drawPath(t, "path"))
	if err != nil {
		t.Fatal(err)
	}
	return request{
		api:    rapid.SampledFrom(testAPIs).Draw(t, "api"),
		method: rapid.SampledFrom([]string{"GET", "POST", "get", "HEAD"}).Draw(t, "method"),
		target: target,
		scopes: ScopesOf(drawScopes.Draw(t, "scopes")...),
	}
}

// fataler is a test or a rapid one.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func compileGood(t fataler, specs []Spec) *Set {
	t.Helper()
	set, problems := Compile(specs, testAPIs, MergeNative)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("unexpected problem: %+v", p)
		}
	}
	return set
}

func verdict(t *rapid.T, set *Set, ids []string, q request) Verdict {
	grant, err := set.Merge("", ids)
	if err != nil {
		t.Fatal(err)
	}
	return grant.API(q.api).Permits(q.method, q.target, q.scopes)
}

func idsOf(specs []Spec) []string {
	var ids []string
	for _, s := range specs {
		ids = append(ids, s.ID)
	}
	return ids
}

// The compiled rules decide what the slow reading decides.
func TestPermitsAsTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		set := compileGood(t, specs)
		for range 8 {
			q := drawRequest(t)
			got := verdict(t, set, idsOf(specs), q)
			want, rate := slowSet(specs).permits(q.api, q.method, q.target.Path, q.scopes)
			if got.Permission != want {
				t.Fatalf("%+v: permission %v, the oracle says %v", q, got.Permission, want)
			}
			if (got.Rate == nil) != (rate == nil) || rate != nil && slowMore(got.Rate.Rate, rate) != 0 {
				t.Fatalf("%+v: rate %+v, the oracle says %+v", q, got.Rate, rate)
			}
			if got.Permission == Insufficient && (len(got.Needed) == 0 || q.scopes.Cover(got.Needed)) {
				t.Fatalf("%+v: needed scopes %q say nothing", q, got.Needed)
			}
		}
	})
}

// Neither the order of the file nor that of the token nor repetitions count.
func TestMergingIsFreeOfOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		ids := idsOf(specs)
		seed := rapid.Uint64().Draw(t, "seed")
		random := rand.New(rand.NewPCG(seed, 1))
		turned := slices.Clone(specs)
		random.Shuffle(len(turned), func(i, j int) { turned[i], turned[j] = turned[j], turned[i] })
		for i := range turned {
			turned[i].Access = slices.Clone(turned[i].Access)
			slices.Reverse(turned[i].Access)
			for j := range turned[i].Access {
				allow := slices.Clone(turned[i].Access[j].Allow)
				slices.Reverse(allow)
				turned[i].Access[j].Allow = allow
			}
		}
		more := append(slices.Clone(ids), ids...)
		random.Shuffle(len(more), func(i, j int) { more[i], more[j] = more[j], more[i] })
		one, other := compileGood(t, specs), compileGood(t, turned)
		for range 4 {
			q := drawRequest(t)
			a, b := verdict(t, one, ids, q), verdict(t, other, more, q)
			if d := cmp.Diff(a, b, cmp.AllowUnexported(Limit{}, period{})); d != "" {
				t.Fatalf("%+v: the order shows (-one +other):\n%s", q, d)
			}
		}
		ga, _ := one.Merge("", ids)
		gb, _ := other.Merge("", more)
		if d := cmp.Diff(ga.Tags(), gb.Tags()); d != "" {
			t.Fatal(d)
		}
	})
}

// A combination allows what one of its policies allows, and a further policy
// makes no limit smaller.
func TestMergingOnlyUnites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := drawSpecs(t)
		set := compileGood(t, specs)
		q := drawRequest(t)
		all := verdict(t, set, idsOf(specs), q)
		alone := false
		for _, id := range idsOf(specs) {
			v := verdict(t, set, []string{id}, q)
			if v.Permission != Allowed {
				continue
			}
			alone = true
			if compareRates(all.Rate, v.Rate) < 0 {
				t.Fatalf("%+v: all policies give %+v, %s alone %+v", q, all.Rate, id, v.Rate)
			}
			if compareQuotas(all.Quota, v.Quota) < 0 {
				t.Fatalf("%+v: all policies give %+v, %s alone %+v", q, all.Quota, id, v.Quota)
			}
		}
		if alone != (all.Permission == Allowed) {
			t.Fatalf("%+v: together %v, alone %v", q, all.Permission, alone)
		}
	})
}

func TestGovernsByPairThenRequestsThenID(t *testing.T) {
	all := []AccessSpec{{API: "orders", All: true}}
	rate := func(n int64, per time.Duration) *Rate { return &Rate{Requests: n, Per: per} }
	tests := []struct {
		name  string
		specs []Spec
		want  string // policy of the governing rate, "" for unlimited
	}{
		{"faster", []Spec{{ID: "a", Rate: rate(10, time.Second), Access: all}, {ID: "b", Rate: rate(599, time.Minute), Access: all}}, "a"},
		{"same speed, more requests", []Spec{{ID: "a", Rate: rate(10, time.Second), Access: all}, {ID: "b", Rate: rate(600, time.Minute), Access: all}}, "b"},
		{"same pair, smaller id", []Spec{{ID: "b", Rate: rate(10, time.Second), Access: all}, {ID: "a", Rate: rate(10, time.Second), Access: all}}, "a"},
		{"absent is unlimited", []Spec{{ID: "a", Rate: rate(10, time.Second), Access: all}, {ID: "b", Access: all}}, ""},
		{"-1 is unlimited", []Spec{{ID: "a", Rate: rate(10, time.Second), Access: all}, {ID: "b", Rate: rate(-1, 0), Access: all}}, ""},
		{"0 is none", []Spec{{ID: "a", Rate: rate(0, time.Second), Access: all}, {ID: "b", Rate: rate(1, time.Hour), Access: all}}, "b"},
		{"only policies that grant the API", []Spec{
			{ID: "a", Rate: rate(10, time.Second), Access: all},
			{ID: "b", Access: []AccessSpec{{API: "stock", All: true}}},
			{ID: "c", Access: []AccessSpec{{API: "orders"}}},
			{ID: "d", RequireScopes: []string{"gold"}, Access: all},
		}, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := compileGood(t, tt.specs).Merge("", idsOf(tt.specs))
			if err != nil {
				t.Fatal(err)
			}
			v := g.API("orders").Permits("GET", Target{Path: "/"}, Scopes{})
			got := ""
			if v.Rate != nil {
				got = v.Rate.Policy
			}
			if v.Permission != Allowed || got != tt.want {
				t.Errorf("permission %v, rate of %q, want %q", v.Permission, got, tt.want)
			}
		})
	}
}

func TestCounters(t *testing.T) {
	rate := &Rate{Requests: 1, Per: time.Second}
	both := []AccessSpec{{API: "orders", All: true}, {API: "stock", All: true}}
	set := compileGood(t, []Spec{
		{ID: "shared", Rate: rate, Quota: &Quota{Requests: 1, Per: time.Hour}, Access: both},
		{ID: "apart", PerAPI: true, Rate: rate, Access: both},
		{ID: "entry", Access: []AccessSpec{{API: "orders", Allow: []AllowSpec{
			{Methods: []string{"POST", "GET"}, Path: "/x", Rate: rate}, {Methods: []string{"GET"}, Path: "/y"},
		}}}},
	})
	ask := func(id, api, path string) Verdict {
		g, err := set.Merge("", []string{id})
		if err != nil {
			t.Fatal(err)
		}
		v := g.API(api).Permits("GET", Target{Path: path}, Scopes{})
		if v.Permission != Allowed {
			t.Fatalf("%s %s%s is not allowed", id, api, path)
		}
		return v
	}
	if ask("shared", "orders", "/").Rate.Counter != ask("shared", "stock", "/").Rate.Counter {
		t.Error("a policy's rate must count over all its APIs")
	}
	if a, b := ask("apart", "orders", "/").Rate, ask("apart", "stock", "/").Rate; a.Counter == b.Counter || a.API != "orders" {
		t.Errorf("per_api must count apart: %+v %+v", a, b)
	}
	if v := ask("shared", "orders", "/"); v.Rate.Counter == v.Quota.Counter {
		t.Error("rate and quota share a counter")
	}
	if v := ask("entry", "orders", "/x"); v.Rate == nil || v.Rate.Entry != "GET,POST /x" || v.Rate.API != "orders" {
		t.Errorf("entry limit: %+v", v.Rate)
	}
	if v := ask("entry", "orders", "/y"); v.Rate != nil {
		t.Errorf("an entry without a rate is limited by %+v", v.Rate)
	}
	if counterID("rate", key{"", "a"}, "bc", "") == counterID("rate", key{"", "ab"}, "c", "") {
		t.Error("names run into each other")
	}
}

func TestMergeRefuses(t *testing.T) {
	all := []AccessSpec{{API: "orders", All: true}}
	set := compileGood(t, []Spec{
		{ID: "good", Access: all},
		{ID: "off", Inactive: true, Access: all},
		{ID: "theirs", Org: "acme", Access: all},
	})
	var (
		missing  *MissingError
		unknown  *UnknownError
		inactive *InactiveError
	)
	if _, err := set.Merge("", nil); !errors.As(err, &missing) {
		t.Errorf("no ids: %v", err)
	}
	for _, ids := range [][]string{{"good", "off", "nope"}, {"nope", "off", "good"}, {"nope", "zope"}, {"zope", "nope"}} {
		if _, err := set.Merge("", ids); !errors.As(err, &unknown) || unknown.ID != "nope" {
			t.Errorf("%v: %v", ids, err)
		}
	}
	if _, err := set.Merge("", []string{"good", "off"}); !errors.As(err, &inactive) || inactive.ID != "off" {
		t.Errorf("inactive: %v", err)
	}
	if _, err := set.Merge("", []string{"theirs"}); !errors.As(err, &unknown) {
		t.Errorf("a policy of another org: %v", err)
	}
	for _, ids := range [][]string{{"theirs"}, {"good"}, {"good", "theirs"}} {
		if g, err := set.Merge("acme", ids); err != nil || !slices.Equal(g.Policies(), ids) {
			t.Errorf("acme %v: %v", ids, err)
		}
	}
	if g := (*APIGrant)(nil); g.Permits("GET", Target{Path: "/"}, Scopes{}).Permission != Refused {
		t.Error("a nil grant permits")
	}
	broken, problems := Compile([]Spec{{ID: "good", Access: all}, {ID: "bad", Access: []AccessSpec{{API: "nope", All: true}}}}, testAPIs, "")
	if len(problems) != 1 {
		t.Fatalf("problems: %+v", problems)
	}
	if _, err := broken.Merge("", []string{"good"}); err == nil {
		t.Error("a set with problems serves")
	}
}

func TestGrantTexts(t *testing.T) {
	all := []AccessSpec{{API: "orders", All: true}}
	set := compileGood(t, []Spec{
		{ID: "b", Tags: []string{"retail", "eu"}, Meta: map[string]string{"plan": "b", "only": "b"}, Access: all},
		{ID: "a", Tags: []string{"retail"}, Meta: map[string]string{"plan": "a"}, Access: all},
	})
	g, err := set.Merge("", []string{"b", "a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	plan, _ := g.Meta("plan")
	only, _ := g.Meta("only")
	_, none := g.Meta("none")
	got := []any{g.PoliciesText(), g.TagsText(), plan, only, none}
	if d := cmp.Diff([]any{"a,b", "eu,retail", "a", "b", false}, got); d != "" {
		t.Error(d)
	}
	if again, _ := set.Merge("", []string{"a", "b"}); again != g {
		t.Error("the combination is not remembered")
	}
}

func TestWarmRequestAllocatesNothing(t *testing.T) {
	rate := &Rate{Requests: 1, Per: time.Second}
	allow := []AllowSpec{
		{Methods: []string{"GET"}, Path: "/orders/{id}/items/**", Rate: rate, RequireScopes: []string{"s1"}},
		{Methods: []string{"GET"}, Path: "regex:^/orders/[0-9]+/x$"},
	}
	set := compileGood(t, []Spec{
		{ID: "a", Rate: rate, Access: []AccessSpec{{API: "orders", Allow: allow}}},
		{ID: "b", Rate: rate, Access: []AccessSpec{{API: "orders", Allow: allow}}},
		{ID: "c", Access: []AccessSpec{{API: "stock", All: true}}},
	})
	ids, scopes, target := []string{"c", "b", "a"}, ScopesOf("s1"), Target{Path: "/orders/7/items/9"}
	n := testing.AllocsPerRun(200, func() {
		g, err := set.Merge("", ids)
		if err != nil || g.API("orders").Permits("GET", target, scopes).Permission != Allowed {
			t.Fatal("refused")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
