package obs

import (
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// The pages for operators name exactly what there is.
func TestDocsNameEveryMetric(t *testing.T) {
	r := newRig(t)
	r.WatchKeySets(func() []KeySet { return []KeySet{{Name: "x", Fetched: r.now, Next: r.now}} })
	r.WatchCalls(func() envoy.Counts { return envoy.Counts{} })
	r.Dependency("x", "ok", time.Millisecond)
	r.Decision(t.Context(), &authz.DecisionInfo{Degraded: "x"})
	families, err := r.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exposed := map[string]bool{}
	own := regexp.MustCompile(`^tollgate_`)
	for _, family := range families {
		if own.MatchString(family.GetName()) {
			exposed[family.GetName()] = true
		}
	}
	rows := column(t, "../../../../docs/metrics.md", "(?m)^\\| `(tollgate_[a-z_]+)` \\|")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(exposed)), rows); diff != "" {
		t.Error(diff)
	}
}

func TestDocsNameEveryAttribute(t *testing.T) {
	info := &authz.DecisionInfo{
		ID: "x", Reason: "x", API: "x", Subject: "x", Session: "x", Policies: "x", Method: "x", Path: "x",
		Degraded: "x", Err: errors.New("x"),
	}
	var keys []string
	for _, attr := range attributes(info, 1) {
		keys = append(keys, attr.Key)
	}
	slices.Sort(keys)
	rows := column(t, "../../../../docs/logging.md", "(?m)(?:^\\| |, )`([a-z]+)`(?:, `[a-z]+`)* \\|")
	if diff := cmp.Diff(keys, rows); diff != "" {
		t.Error(diff)
	}
}

// column finds what stands in backquotes in the first column of a page's tables.
func column(t *testing.T, page, row string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(row).FindAllSubmatch(text, -1) {
		quoted := regexp.MustCompile("`([a-z_]+)`").FindAllSubmatch(match[0], -1)
		for _, name := range quoted {
			names = append(names, string(name[1]))
		}
	}
	slices.Sort(names)
	return names
}
