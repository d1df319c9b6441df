package doctor

import (
	"cmp"
	"slices"
)

// Weight says how much a finding matters.
type Weight string

// The weights.
const (
	Problem Weight = "problem" // requests pass that should not, or the gate cannot be asked
	Warning Weight = "warning" // works until something else goes wrong
	Advice  Weight = "advice"  // works; this is better
)

// Finding is one thing that should be changed.
type Finding struct {
	Rule    string `json:"rule"` // stable name, for scripts
	Weight  Weight `json:"weight"`
	Where   string `json:"where"`
	What    string `json:"what"`
	Instead string `json:"instead"`
}

// order sorts the weightiest findings first and drops repetitions: one filter in
// ten filter chains of a listener is one mistake.
func order(findings []Finding) []Finding {
	rank := map[Weight]int{Problem: 0, Warning: 1, Advice: 2}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(rank[a.Weight], rank[b.Weight]), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Where, b.Where))
	})
	return slices.Compact(findings)
}

// report collects the findings of one place.
type report struct {
	where string
	found *[]Finding
}

func (r report) add(rule string, weight Weight, what, instead string) {
	*r.found = append(*r.found, Finding{Rule: rule, Weight: weight, Where: r.where, What: what, Instead: instead})
}

func (r report) at(place string) report {
	return report{where: r.where + ", " + place, found: r.found}
}
