package policies_test

import (
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

// token is a verified token's claims.
type token map[string]string

func (t token) Texts(name string) ([]string, policies.Form) {
	if text, ok := t[name]; ok {
		return []string{text}, policies.Text
	}
	return nil, policies.Absent
}

func Example() {
	set, problems := policies.Compile([]policies.Spec{
		{
			ID:   "basic",
			Rate: &policies.Rate{Requests: 100, Per: time.Minute},
			Access: []policies.AccessSpec{{API: "orders", Allow: []policies.AllowSpec{
				{Methods: []string{"GET"}, Path: "/orders/**"},
				{Methods: []string{"DELETE"}, Path: "/orders/{id}", RequireScopes: []string{"orders:delete"}},
			}}},
		},
	}, []string{"orders"}, policies.MergeNative)
	selector, more := policies.CompileSelector(policies.SelectorSpec{Claims: []string{"pol"}}, set)
	fmt.Println("problems:", len(problems)+len(more))

	choice, err := selector.Choose(token{"pol": "basic", "scope": "openid"})
	if err != nil {
		fmt.Println(err)
		return
	}
	grant, err := set.Merge("", choice.IDs)
	if err != nil {
		fmt.Println(err)
		return
	}
	target, err := policies.ParseTarget("/orders/7?verbose=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	got := grant.API("orders").Permits("GET", target, choice.Scopes)
	fmt.Println("GET:", got.Permission == policies.Allowed, "limited by", got.Rate.Policy)
	got = grant.API("orders").Permits("DELETE", target, choice.Scopes)
	fmt.Println("DELETE needs", got.Needed)
	_, err = policies.ParseTarget("/orders/../admin")
	fmt.Println(err)
	// Output:
	// problems: 0
	// GET: true limited by basic
	// DELETE needs [orders:delete]
	// the path holds a dot segment
}
