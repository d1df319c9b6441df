package policies

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestProblems(t *testing.T) {
	all := []AccessSpec{{API: "orders", All: true}}
	entry := func(a AllowSpec) Spec {
		return Spec{ID: "p", Access: []AccessSpec{{API: "orders", Allow: []AllowSpec{a}}}}
	}
	get := []string{"GET"}
	rate := func(r Rate) Spec { return Spec{ID: "p", Rate: &r, Access: all} }
	quota := func(q Quota) Spec { return Spec{ID: "p", Quota: &q, Access: all} }
	tests := []struct {
		spec Spec
		want string // "POINTER text" of the one problem, a warning with "~"; "" for none
	}{
		{Spec{ID: "p", Access: all}, ""},
		{Spec{Access: all}, "/0/id needs an id"},
		{Spec{ID: "a,b", Access: all}, "/0/id comma"},
		{Spec{ID: "a\nb", Access: all}, "/0/id comma"},
		{Spec{ID: "p", Tags: []string{"x", "a b"}, Access: all}, "/0/tags/1 tag"},
		{Spec{ID: "p", RequireScopes: []string{"a b"}, Access: all}, "/0/require_scopes/0 no token can hold"},
		{Spec{ID: "p"}, "~/0 grants nothing"},
		{Spec{ID: "p", Access: []AccessSpec{{API: "orders"}}}, "~/0/access/orders nothing is allowed"},
		{Spec{ID: "p", Access: []AccessSpec{{API: "order", All: true}}}, "/0/access/order does not exist (did you mean orders?)"},
		{Spec{ID: "p", Access: []AccessSpec{{API: "Orders", All: true}}}, "/0/access/Orders does not exist (did you mean orders?)"},
		{Spec{ID: "p", Access: []AccessSpec{{API: "a/b~c", All: true}}}, "/0/access/a~1b~0c does not exist ()"},
		{Spec{ID: "p", Access: append(all, all...)}, "/0/access/orders twice"},
		{Spec{ID: "p", Access: []AccessSpec{{API: "orders", All: true, Allow: []AllowSpec{{Methods: get, Path: "/"}}}}}, "/0/access/orders/allow contradict"},

		{entry(AllowSpec{Methods: get, Path: "/a"}), ""},
		{entry(AllowSpec{Path: "/a"}), "/0/access/orders/allow/0/methods must be written"},
		{entry(AllowSpec{Methods: []string{"GET", "post"}, Path: "/a"}), "/0/access/orders/allow/0/methods/1 capitals (write POST)"},
		{entry(AllowSpec{Methods: []string{"*"}, Path: "/a"}), "/0/access/orders/allow/0/methods/0 no method"},
		{entry(AllowSpec{Methods: []string{""}, Path: "/a"}), "/0/access/orders/allow/0/methods/0 no method"},
		{entry(AllowSpec{Methods: get, Path: "a"}), "/0/access/orders/allow/0/path slash (write /a)"},
		{entry(AllowSpec{Methods: get, Path: "/a", RequireScopes: []string{"ok", ""}}), "/0/access/orders/allow/0/require_scopes/1 no token"},
		{entry(AllowSpec{Methods: get, Path: "/a", Rate: &Rate{Requests: 5}}), "/0/access/orders/allow/0/rate/per without a time"},
		{
			Spec{ID: "p", Access: []AccessSpec{{API: "orders", Allow: []AllowSpec{{Methods: get, Path: "/a"}, {Methods: get, Path: "/a"}}}}},
			"/0/access/orders/allow/1 there already",
		},
		{
			Spec{ID: "p", Access: []AccessSpec{{API: "orders", Allow: []AllowSpec{
				{Methods: get, Path: "/a/**"}, {Methods: get, Path: "/a/admin", RequireScopes: []string{"admin"}},
			}}}},
			"~/0/access/orders/allow/1/require_scopes another entry",
		},

		{rate(Rate{Requests: -1}), ""},
		{rate(Rate{Requests: 0}), ""},
		{rate(Rate{Requests: 5}), "/0/rate/per without a time"},
		{rate(Rate{Requests: 5, Per: -time.Second}), "/0/rate/per without a time"},
		{rate(Rate{Requests: -2, Per: time.Second}), "/0/rate/requests -1 (unlimited)"},
		{rate(Rate{Requests: 5, Per: 71 * calendarYear}), "/0/rate/per 70 years"},
		{rate(Rate{Requests: 5, Per: time.Second, Burst: 5}), "/0/rate/burst only a token_bucket"},
		{rate(Rate{Requests: 5, Per: time.Second, Burst: 5, Algorithm: FixedWindow}), "/0/rate/burst only a token_bucket"},
		{rate(Rate{Requests: 5, Per: time.Second, Burst: -1, Algorithm: TokenBucket}), "/0/rate/burst at least 1"},
		{rate(Rate{Requests: 5, Per: time.Second, Burst: 10, Algorithm: TokenBucket}), ""},
		{rate(Rate{Requests: 5, Per: time.Second, Burst: 1 << 27, Algorithm: TokenBucket}), "/0/rate/burst at most"},
		{rate(Rate{Requests: 1 << 40, Per: time.Second, Algorithm: TokenBucket}), ""},
		{rate(Rate{Requests: 1001, Per: time.Second, Algorithm: SlidingLog}), "/0/rate/requests at most 1000"},
		{rate(Rate{Requests: 1, Per: time.Second, Algorithm: "leaky"}), "/0/rate/algorithm no algorithm"},

		{quota(Quota{Requests: 1, Per: time.Hour}), ""},
		{quota(Quota{Requests: 1}), "/0/quota/per without a time"},
		{quota(Quota{Requests: 1, Per: time.Hour, Anchor: "monthly"}), "/0/quota/anchor no anchor"},
		{quota(Quota{Requests: 1, Per: time.Hour, Zone: "UTC"}), "/0/quota/zone without the calendar"},
		{quota(Quota{Requests: 1, Per: time.Hour, Anchor: Calendar}), ""},
		{quota(Quota{Requests: 1, Per: calendarMonth, Anchor: Calendar, Zone: "Europe/Berlin"}), ""},
		{quota(Quota{Requests: 1, Per: 5 * time.Hour, Anchor: Calendar}), "/0/quota/per no period of this length"},
		{quota(Quota{Requests: 1, Per: time.Hour, Anchor: Calendar, Zone: "Europe/Berlim"}), "/0/quota/zone not known"},
		{quota(Quota{Requests: 1, Per: time.Hour, Anchor: Calendar, Zone: "Local"}), "/0/quota/zone not known"},
	}
	for _, tt := range tests {
		set, problems := Compile([]Spec{tt.spec}, testAPIs, MergeNative)
		checkProblem(t, tt.want, problems)
		_, err := set.Merge("", []string{tt.spec.ID})
		if serves, should := err == nil, tt.want == "" || strings.HasPrefix(tt.want, "~"); serves != should {
			t.Errorf("%q: Merge gives %v", tt.want, err)
		}
	}
}

// checkProblem compares problems with "[~]POINTER text [(instead)]".
func checkProblem(t *testing.T, want string, problems []Problem) {
	t.Helper()
	if want == "" {
		if len(problems) > 0 {
			t.Errorf("unexpected problems: %+v", problems)
		}
		return
	}
	if len(problems) != 1 {
		t.Errorf("%s: problems %+v", want, problems)
		return
	}
	p := problems[0]
	got := p.At + " " + p.What + " (" + p.Instead + ")"
	if p.Warning {
		got = "~" + got
	}
	at, rest, _ := strings.Cut(want, " ")
	text, instead, _ := strings.Cut(rest, " (")
	if !strings.HasPrefix(got, at+" ") || !strings.Contains(got, text) || !strings.HasSuffix(got, instead) && !strings.HasSuffix(got, instead+")") && !strings.Contains(got, rest) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	var specs []Spec
	for i := range 30 {
		specs = append(specs, Spec{ID: fmt.Sprint(i), Access: []AccessSpec{{API: "nope", Allow: []AllowSpec{{Path: "x"}}}}})
	}
	specs = append(specs, Spec{ID: "7", Access: []AccessSpec{{API: "orders", All: true}}})
	_, problems := Compile(specs, testAPIs, "sideways")
	if want := 30*3 + 2; len(problems) != want {
		t.Errorf("%d problems, want %d", len(problems), want)
	}
	for i, p := range problems {
		if i > 0 && p.At < problems[i-1].At {
			t.Errorf("%s after %s", p.At, problems[i-1].At)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"orders", "orders-admin", "stock"}
	for name, want := range map[string]string{
		"order": "did you mean orders?", "oders": "did you mean orders?", "ORDERS": "did you mean orders?",
		"orders_admin": "did you mean orders-admin?", "nothing": "", "x": "", "": "",
	} {
		if got := suggest(name, names); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
