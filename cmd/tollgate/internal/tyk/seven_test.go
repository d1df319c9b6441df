package tyk

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/policies"
)

// example is one worked example of how Tyk merges policies.
type example struct {
	Example  int
	Says     string
	Policies []json.RawMessage
	Missing  []string // ids that no policy has
	By       string   // what proves it instead, where no policies are merged
	Finding  string   // what the loader tells
	Tyk      string   // Tyk's result, where ours is another
	Differs  string   // and why
	Want     *merged
}

// merged is what policies together grant.
type merged struct {
	Error   string
	APIs    map[string]*mergedAPI
	Refused []string
	Tags    []string
	Meta    map[string]string
}

type mergedAPI struct {
	Rate, Quota, Scope string
	Versions           []string
	Allows, Denies     []string
	Endpoints          map[string]string
}

func examples(t *testing.T) []example {
	t.Helper()
	names, err := filepath.Glob("testdata/7.2/7.2-*.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var e example
		if err := json.Unmarshal(data, &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, e)
		if want := fmt.Sprintf("testdata/7.2/7.2-%02d.json", len(out)); want != name {
			t.Fatalf("%s, not %s", name, want)
		}
	}
	if len(out) != 67 {
		t.Fatalf("%d examples, not 67", len(out))
	}
	return out
}

func exampleName(e *example) string { return fmt.Sprintf("7.2-%02d", e.Example) }

// TestMergeExamples: the worked examples, in every order of their policies.
func TestMergeExamples(t *testing.T) {
	mayDiffer := []int{19, 26, 32, 39, 42, 43, 44, 45, 47, 65, 67}
	for _, e := range examples(t) {
		t.Run(exampleName(&e), func(t *testing.T) {
			if e.Differs != "" && !slices.Contains(mayDiffer, e.Example) {
				t.Fatalf("differs: %s", e.Differs)
			}
			if (e.Differs == "") != (e.Tyk == "") {
				t.Fatal("a difference needs Tyk's result and the reason")
			}
			if e.Want == nil {
				if e.By == "" {
					t.Fatal("nothing proves it")
				}
				return
			}
			for order := range permutations(len(e.Policies)) {
				e.check(t, order)
			}
		})
	}
}

func (e *example) check(t *testing.T, order []int) {
	t.Helper()
	var files []config.ForeignFile
	ids := slices.Clone(e.Missing)
	for _, i := range order {
		var id struct{ ID string }
		if err := json.Unmarshal(e.Policies[i], &id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id.ID)
		files = append(files, config.ForeignFile{Path: id.ID + ".json", Data: e.Policies[i]})
	}
	l := Load(files, Options{})
	for _, f := range l.Findings {
		if f.Error {
			t.Fatalf("%+v", f)
		}
	}
	if e.Finding != "" && !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.ID == e.Finding }) {
		t.Errorf("nothing tells %s: %+v", e.Finding, l.Findings)
	}
	set, problems := policies.Compile(l.Policies, []string{"a", "b", "c", "d", "e", "api1", "api2", "api3"}, policies.MergeTyk)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("%+v", p)
		}
	}
	grant, err := choose(t, set, ids)
	if e.Want.Error != "" {
		if err == nil || !strings.Contains(err.Error(), e.Want.Error) {
			t.Fatalf("order %v: error %v, want %q", order, err, e.Want.Error)
		}
		return
	}
	if err != nil {
		t.Fatalf("order %v: %v", order, err)
	}
	e.Want.compare(t, grant)
}

// choose takes the way of a token whose scopes map to ids.
func choose(t *testing.T, set *policies.Set, ids []string) (*policies.Grant, error) {
	t.Helper()
	selector, _ := policies.CompileSelector(policies.SelectorSpec{Tyk: true, ScopeMap: map[string][]string{"all": ids}}, set)
	choice, err := selector.Choose(allScopes{})
	if err != nil {
		return nil, err
	}
	return set.Merge("", choice.IDs)
}

type allScopes struct{}

func (allScopes) Texts(name string) ([]string, policies.Form) {
	if name == "scope" {
		return []string{"all"}, policies.Text
	}
	return nil, policies.Absent
}

func (m *merged) compare(t *testing.T, g *policies.Grant) {
	t.Helper()
	scopes := map[string]policies.CounterID{}
	for api, want := range m.APIs {
		got := g.API(api)
		if got == nil {
			t.Errorf("API %s is not granted", api)
			continue
		}
		want.compare(t, api, got, scopes)
	}
	for _, api := range m.Refused {
		if g.API(api) != nil {
			t.Errorf("API %s is granted", api)
		}
	}
	if m.Tags != nil {
		if diff := cmp.Diff(m.Tags, g.Tags()); diff != "" {
			t.Error(diff)
		}
	}
	for name, want := range m.Meta {
		if got, _ := g.Meta(name); got != want {
			t.Errorf("metadata %s is %q, want %q", name, got, want)
		}
	}
}

func (m *mergedAPI) compare(t *testing.T, api string, g *policies.APIGrant, scopes map[string]policies.CounterID) {
	t.Helper()
	for _, line := range m.Allows {
		if v := permits(t, g, line); v.Permission != policies.Allowed {
			t.Errorf("%s: %s is refused", api, line)
		}
	}
	for _, line := range m.Denies {
		if v := permits(t, g, line); v.Permission == policies.Allowed {
			t.Errorf("%s: %s is allowed", api, line)
		}
	}
	for line, want := range m.Endpoints {
		if got := rateText(permits(t, g, line).Rate); got != want {
			t.Errorf("%s: rate of %s is %s, want %s", api, line, got, want)
		}
	}
	line := "GET /no/endpoint"
	if len(m.Allows) > 0 {
		line = m.Allows[0]
	}
	v := permits(t, g, line)
	if got := rateText(v.Rate); got != m.Rate {
		t.Errorf("%s: rate %s, want %s", api, got, m.Rate)
	}
	if got := quotaText(v.Quota); got != m.Quota {
		t.Errorf("%s: quota %s, want %s", api, got, m.Quota)
	}
	for _, version := range m.Versions {
		if !g.HasVersion(version) {
			t.Errorf("%s: version %s is not granted", api, version)
		}
	}
	for kind, l := range map[string]*policies.Limit{"rate ": v.Rate, "quota ": v.Quota} {
		if l == nil {
			continue
		}
		for name, other := range scopes {
			if scope, same := strings.CutPrefix(name, kind); same && (scope == m.Scope) != (other == l.Counter) {
				t.Errorf("%s: counts on the wrong counter (scope %q beside %q)", api, m.Scope, scope)
			}
		}
		scopes[kind+m.Scope] = l.Counter
	}
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
