package policies

import (
	"slices"
	"strings"
)

// report collects problems.
type report struct {
	list   []Problem
	broken bool
}

// fault adds a problem that stops the start.
func (r *report) fault(at string, f fault) { r.add(at, f, false) }

// warn adds a problem that does not.
func (r *report) warn(at string, f fault) { r.add(at, f, true) }

func (r *report) add(at string, f fault, warning bool) {
	r.list = append(r.list, Problem{At: at, What: f.what, Instead: f.instead, Warning: warning})
	r.broken = r.broken || !warning
}

// sorted gives the problems in the order of their pointers, whatever order maps
// were walked in.
func (r *report) sorted() []Problem {
	slices.SortStableFunc(r.list, func(a, b Problem) int { return strings.Compare(a.At, b.At) })
	return r.list
}

// pointerToken escapes one token of a JSON pointer (RFC 6901 section 3).
func pointerToken(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

// maxCandidates bounds the names that a suggestion looks through.
const maxCandidates = 2000

// suggest names the candidate that was probably meant, as what to write instead.
func suggest(name string, candidates []string) string {
	if len(candidates) > maxCandidates {
		return ""
	}
	best, least := "", 1+len(name)/4
	for _, candidate := range candidates {
		if d := distance(name, candidate, least); d <= least && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// distance is the number of edits between two names, or more than limit when it
// is more.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if !strings.EqualFold(a[i:i+1], b[j:j+1]) {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
