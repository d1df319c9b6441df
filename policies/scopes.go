package policies

import (
	"slices"
	"strings"
)

// Scopes is the set of scopes of one token. The zero value holds none (tokens
// that a credential verified: their scope claims are not read). It is immutable
// and may be shared.
type Scopes struct {
	sorted []string
}

// ScopesOf makes a set of names; empty ones and repetitions are dropped.
func ScopesOf(names ...string) Scopes {
	sorted := make([]string, 0, len(names))
	for _, name := range names {
		if name != "" {
			sorted = append(sorted, name)
		}
	}
	slices.Sort(sorted)
	return Scopes{sorted: slices.Compact(sorted)}
}

// List gives the scopes in order. It must not be changed.
func (s Scopes) List() []string { return s.sorted }

// Has reports whether scope is among them.
func (s Scopes) Has(scope string) bool {
	_, ok := slices.BinarySearch(s.sorted, scope)
	return ok
}

// Cover reports whether every scope of need is among them.
func (s Scopes) Cover(need []string) bool { return s.missing(need) == 0 }

// CoverText is Cover for a space separated list, such as the route's
// require_scopes. It does not allocate.
func (s Scopes) CoverText(need string) bool {
	for name := range strings.FieldsSeq(need) {
		if !s.Has(name) {
			return false
		}
	}
	return true
}

// missing counts the scopes of need that are not there.
func (s Scopes) missing(need []string) int {
	n := 0
	for _, name := range need {
		if !s.Has(name) {
			n++
		}
	}
	return n
}
