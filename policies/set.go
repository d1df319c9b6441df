package policies

import (
	"errors"
	"slices"
	"sync/atomic"
)

// Set is all policies of one snapshot, compiled. It is safe for concurrent use.
type Set struct {
	byID   map[key]*policy
	ids    []string // sorted, each once, for suggestions
	apis   []string // sorted
	broken bool     // a problem that is not a warning

	// merged remembers combinations, each in the one place that its hash gives;
	// a newer one pushes the older out. That bounds it whatever tokens name.
	merged [mergedSlots]atomic.Pointer[Grant]
}

// key names a policy: ids are unique within an org.
type key struct{ org, id string }

// policy is one compiled policy.
type policy struct {
	key
	order    int // place among all policies, sorted by id, then org
	inactive bool
	tags     []string
	meta     map[string]string
	apis     map[string]*source
	alone    *Grant     // of this policy alone
	tyk      *tykPolicy // of a Tyk file, merged as Tyk does; nil otherwise
	own      bool       // no policy of the file: what a credential has of its own
}

const (
	mergedSlots = 4096
	// maxRemembered is how many policies a remembered combination may have; longer
	// ones are merged anew, so that the memory of a slot is bounded.
	maxRemembered = 64
	// onStack is how many policies are merged without allocating.
	onStack = 16
)

// errBroken is the answer of a Set that must not serve.
var errBroken = errors.New("the policies have problems and grant nothing")

// Merge gives the grant of several policies, in any order. org is the API's:
// policies of other orgs do not exist for it. The error is a *MissingError,
// *UnknownError or *InactiveError. A grant that was merged before is found
// again without allocating.
func (s *Set) Merge(org string, ids []string) (*Grant, error) {
	if s.broken {
		return nil, errBroken
	}
	if len(ids) == 0 {
		return nil, &MissingError{}
	}
	var buf [onStack]*policy
	list := buf[:0]
	for _, id := range ids {
		p := s.find(org, id)
		if p == nil || p.inactive {
			return nil, s.refuse(org, ids)
		}
		list = append(list, p)
	}
	if len(list) == 1 {
		return list[0].alone.valid()
	}
	slices.SortFunc(list, func(a, b *policy) int { return a.order - b.order })
	list = slices.Compact(list)
	if len(list) == 1 {
		return list[0].alone.valid()
	}
	return s.remembered(list).valid()
}

// find gives the policy that id means for an API of org, nil for none.
func (s *Set) find(org, id string) *policy {
	if p := s.byID[key{org, id}]; p != nil || org == "" {
		return p
	}
	if p := s.byID[key{"", id}]; p != nil && p.tyk == nil { // in Tyk no org is an org
		return p
	}
	return nil
}

// refuse says what is wrong with ids, whatever their order: unknown before
// inactive, the smallest id first.
func (s *Set) refuse(org string, ids []string) error {
	sorted := slices.Sorted(slices.Values(ids))
	for _, id := range sorted {
		if s.find(org, id) == nil {
			return &UnknownError{ID: id}
		}
	}
	for _, id := range sorted {
		if s.find(org, id).inactive {
			return &InactiveError{ID: id}
		}
	}
	return errBroken
}

// remembered gives the grant of a sorted combination, from memory or made now.
func (s *Set) remembered(list []*policy) *Grant {
	slot := &s.merged[hashOrders(list)%mergedSlots]
	if g := slot.Load(); g != nil && slices.Equal(g.policies, list) {
		return g
	}
	g := newGrant(slices.Clone(list))
	if len(list) <= maxRemembered {
		slot.Store(g)
	}
	return g
}

// hashOrders is FNV-1a over the places of policies.
func hashOrders(list []*policy) uint64 {
	h := uint64(14695981039346656037)
	for _, p := range list {
		h = (h ^ uint64(p.order)) * 1099511628211
	}
	return h ^ h>>32
}
