package tyk

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/policies"
)

// The worked examples of how Tyk merges policies are case files, which every
// surface runs (TestTykMergeCases of the command). Here is what no request shows:
// that the order of policies makes no difference, what loading tells, and that
// only those differ from Tyk whose result hangs on that order or is a defect.

// exampleNames are 7.2-01 to 7.2-67.
func exampleNames(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/7.2/7.2-??.case.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range found {
		names = append(names, strings.TrimSuffix(filepath.Base(path), ".case.yaml"))
	}
	if len(names) != 67 || names[0] != "7.2-01" || names[66] != "7.2-67" {
		t.Fatalf("%d examples: %v", len(names), names)
	}
	return names
}

var scopesOfExample = regexp.MustCompile(`(?m)^token: .*scope: ([^}]*)}}$`)

// TestMergeExamples: whatever the order of the policies of an example, they grant
// the same.
func TestMergeExamples(t *testing.T) {
	mayDiffer := []string{"19", "26", "32", "39", "42", "43", "44", "45", "47", "65", "67"}
	tells := map[string]string{
		"7.2-21": "body-rights", "7.2-50": "throttle", "7.2-58": "body-rights", "7.2-59": "body-rights",
		"7.2-60": "body-rights", "7.2-61": "body-rights", "7.2-65": "post-expiry",
	}
	orders := 0
	for _, name := range exampleNames(t) {
		text, err := os.ReadFile("testdata/7.2/" + name + ".case.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if differs := strings.Contains(string(text), "Ours differs: "); differs != strings.Contains(string(text), " Tyk: ") ||
			differs && !slices.Contains(mayDiffer, strings.TrimPrefix(name, "7.2-")) {
			t.Errorf("%s: a difference that may not be, or without Tyk's result and the reason", name)
		}
		policiesOf, err := os.ReadFile("testdata/7.2/" + name + ".policies.json")
		named := scopesOfExample.FindSubmatch(text)
		if err != nil || named == nil { // no policies, or those of a key
			continue
		}
		l := Load([]config.ForeignFile{{Path: "p.json", Data: policiesOf}}, Options{})
		if id := tells[name]; id != "" && !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.ID == id }) {
			t.Errorf("%s: nothing tells %s: %v", name, id, l.Findings)
		}
		orders += orderFree(t, name, l.Policies, strings.Fields(string(named[1])))
	}
	if orders < 100 {
		t.Errorf("%d orders", orders)
	}
}

// orderFree merges policies in every order, and named in every order.
func orderFree(t *testing.T, name string, specs []policies.Spec, ids []string) (orders int) {
	t.Helper()
	want := ""
	for order := range permutations(len(ids)) {
		var named []string
		var given []policies.Spec
		for _, i := range order {
			named = append(named, ids[i])
			for _, spec := range specs {
				if spec.ID == ids[i] {
					given = append(given, spec)
				}
			}
		}
		set, _ := policies.Compile(given, exampleAPIs(), policies.MergeTyk)
		chosen, err := choose(t, set, named)
		got := fmt.Sprint(err)
		if err == nil {
			got = shownGrant(t, set, chosen)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s in order %v:\n%s\nbefore:\n%s", name, named, got, want)
		}
		orders++
	}
	return orders
}

func exampleAPIs() []string { return []string{"a", "api1", "api2", "api3", "b", "c", "d", "e"} }

// choose takes the way of a token whose scopes map to ids.
func choose(t *testing.T, set *policies.Set, ids []string) ([]string, error) {
	t.Helper()
	selector, _ := policies.CompileSelector(policies.SelectorSpec{Tyk: true, ScopeMap: map[string][]string{"all": ids}}, set)
	choice, err := selector.Choose(allScopes{})
	return choice.IDs, err
}

type allScopes struct{}

func (allScopes) Texts(name string) ([]string, policies.Form) {
	if name == "scope" {
		return []string{"all"}, policies.Text
	}
	return nil, policies.Absent
}

func permits(t *testing.T, g *policies.APIGrant, line string) policies.Verdict {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	target, err := policies.ParseTarget(path)
	if err != nil {
		t.Fatal(err)
	}
	return g.Permits(method, target, policies.Scopes{})
}

func rateText(l *policies.Limit) string {
	if l == nil {
		return "unlimited"
	}
	return strconv.FormatInt(l.Rate.Requests, 10) + "/" + strconv.Itoa(int(l.Rate.Per.Seconds()))
}

func quotaText(l *policies.Limit) string {
	if l == nil {
		return "unlimited"
	}
	per := int(l.Quota.Per.Seconds())
	if per > 60*365*86400 { // never renewed
		per = 0
	}
	return strconv.FormatInt(l.Quota.Requests, 10) + "/" + strconv.Itoa(per)
}

// permutations yields every order of n things.
func permutations(n int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		order := make([]int, 0, n)
		var grow func() bool
		grow = func() bool {
			if len(order) == n {
				return yield(slices.Clone(order))
			}
			for i := range n {
				if slices.Contains(order, i) {
					continue
				}
				order = append(order, i)
				if !grow() {
					return false
				}
				order = order[:len(order)-1]
			}
			return true
		}
		grow()
	}
}
