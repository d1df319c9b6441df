package policies_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/policies"
)

func TestLimitsOfASet(t *testing.T) {
	rate := &policies.Rate{Requests: 5, Per: time.Second}
	set, found := policies.Compile([]policies.Spec{
		{
			ID: "a", Rate: rate, Quota: &policies.Quota{Requests: 7, Per: time.Hour}, Access: []policies.AccessSpec{
				{API: "x", All: true},
				{API: "y", Allow: []policies.AllowSpec{
					{Methods: []string{"GET"}, Path: "/y/{id}", Rate: rate},
					{Methods: []string{"GET"}, Path: "/y/**"},
					{Methods: []string{"PUT"}, Path: "/y/deep/**", Rate: rate},
					{Methods: []string{"GET"}, Path: "regex:^/y/[0-9]+$", Rate: rate},
				}},
			},
		},
		{ID: "b", PerAPI: true, Rate: rate, Access: []policies.AccessSpec{{API: "x", All: true}, {API: "y", All: true}}},
		{ID: "c", Rate: &policies.Rate{Requests: -1}, Access: []policies.AccessSpec{{API: "x", All: true}}},
	}, []string{"x", "y"}, policies.MergeNative)
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got []string
	counters := map[policies.CounterID]bool{}
	for l := range set.Limits() {
		kind := "rate"
		if l.Quota != nil {
			kind = "quota"
		}
		got = append(got, l.Policy+" "+kind+" "+l.API+" "+l.Entry)
		counters[l.Counter] = true
	}
	slices.Sort(got)
	want := []string{
		"a quota  ", "a quota  ", "a rate  ", "a rate  ", // on x and on y: one counter each
		"a rate y GET /y/{id}", "a rate y GET regex:^/y/[0-9]+$", "a rate y PUT /y/deep/**",
		"b rate x ", "b rate y ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(counters) != 7 {
		t.Errorf("%d counters", len(counters))
	}
	for range set.Limits() {
		break
	}
}

func TestCheckRate(t *testing.T) {
	for _, c := range []struct {
		rate *policies.Rate
		at   string
	}{
		{nil, ""},
		{&policies.Rate{Requests: 5, Per: time.Second}, ""},
		{&policies.Rate{Requests: 5}, "/per"},
		{&policies.Rate{Requests: -2, Per: time.Second}, "/requests"},
		{&policies.Rate{Requests: 5, Per: time.Second, Burst: 3}, "/burst"},
		{&policies.Rate{Requests: 5, Per: time.Second, Burst: -1, Algorithm: policies.TokenBucket}, "/burst"},
		{&policies.Rate{Requests: 5, Per: time.Second, Algorithm: "leaky"}, "/algorithm"},
	} {
		found := policies.CheckRate(c.rate)
		if (len(found) == 0) != (c.at == "") || len(found) > 0 && found[0].At != c.at {
			t.Errorf("%+v: %v", c.rate, found)
		}
	}
}
