package policies

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"
)

func manyPolicies(n int) []Spec {
	specs := make([]Spec, 0, n)
	for i := range n {
		specs = append(specs, Spec{
			ID:    fmt.Sprintf("policy-%06d", i),
			Rate:  &Rate{Requests: int64(100 + i%7), Per: time.Minute},
			Quota: &Quota{Requests: 10000, Per: 24 * time.Hour},
			Access: []AccessSpec{{API: "orders", Allow: []AllowSpec{
				{Methods: []string{"GET"}, Path: "/orders/**"},
				{Methods: []string{"POST"}, Path: "/orders", Rate: &Rate{Requests: 5, Per: time.Second}},
			}}},
			Tags: []string{"retail"},
		})
	}
	return specs
}

// Choosing does not grow with the number of policies.
func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{10, 1000, 100000} {
		set, _ := Compile(manyPolicies(n), testAPIs, "")
		one := []string{fmt.Sprintf("policy-%06d", n/2)}
		three := []string{one[0], "policy-000001", fmt.Sprintf("policy-%06d", n-1)}
		for _, ids := range [][]string{one, three} {
			b.Run(fmt.Sprintf("policies=%d/ids=%d", n, len(ids)), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := set.Merge("", ids); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	specs := manyPolicies(100000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	set, _ := Compile(specs, testAPIs, "")
	runtime.GC()
	runtime.ReadMemStats(&after)
	for b.Loop() {
		Compile(specs, testAPIs, "")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(specs)), "ns/policy")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(specs)), "B/policy")
	runtime.KeepAlive(set)
}

// rulesOf gives one policy with n entries of one kind on one API.
func rulesOf(kind string, n int) Spec {
	access := AccessSpec{API: "orders"}
	for i := range n {
		path := map[string]string{
			"literal":  fmt.Sprintf("/v1/r%d/items", i),
			"template": fmt.Sprintf("/v1/r%d/{id}", i),
			"regex":    fmt.Sprintf("regex:^/v1/r%d/[0-9]+$", i),
			"suffix":   fmt.Sprintf("regex:^/v1/[a-z0-9]+/x%d$", i), // nothing to index: tried one by one
		}[kind]
		access.Allow = append(access.Allow, AllowSpec{Methods: []string{"GET"}, Path: path})
	}
	return Spec{ID: "p", Access: []AccessSpec{access}}
}

// Ten thousand rules of any kind on one API are decided in time: 2 ms, times five
// for a busy machine.
func TestTenThousandRulesInTime(t *testing.T) {
	for _, kind := range []string{"literal", "template", "regex", "suffix"} {
		set := compileGood(t, []Spec{rulesOf(kind, 10000)})
		grant, err := set.Merge("", []string{"p"})
		if err != nil {
			t.Fatal(err)
		}
		var took []time.Duration
		for range 99 {
			start := time.Now()
			if grant.API("orders").Permits("GET", Target{Path: "/v1/r5/items/none"}, Scopes{}).Permission != Refused {
				t.Fatal("granted")
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		if median := took[len(took)/2]; median > 10*time.Millisecond {
			t.Errorf("%s: %v", kind, median)
		}
	}
}

// One request against 1 and 10,000 rules of one policy on one API.
func BenchmarkPermits(b *testing.B) {
	hit := map[string]string{"literal": "/v1/r%d/items", "template": "/v1/r%d/7", "regex": "/v1/r%d/7", "suffix": "/v1/r0/x%d"}
	for _, kind := range []string{"literal", "template", "regex", "suffix"} {
		for _, n := range []int{1, 10000} {
			set, problems := Compile([]Spec{rulesOf(kind, n)}, testAPIs, "")
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			grant, err := set.Merge("", []string{"p"})
			if err != nil {
				b.Fatal(err)
			}
			target, err := ParseTarget(fmt.Sprintf(hit[kind], n-1))
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/rules=%d", kind, n), func(b *testing.B) {
				b.ReportAllocs()
				var took []time.Duration
				for b.Loop() {
					start := time.Now()
					if grant.API("orders").Permits("GET", target, Scopes{}).Permission != Allowed {
						b.Fatal("refused")
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
			})
		}
	}
}

func BenchmarkParseTarget(b *testing.B) {
	for _, raw := range []string{"/orders/7/items?page=2&sort=name", "/caf%c3%a9/%7Euser/%41"} {
		b.Run(raw[:5], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseTarget(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
