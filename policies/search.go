package policies

import (
	"slices"
	"strings"
)

// search is one look-up of a request in the tree of one policy and API. It lives
// on the stack of Permits.
type search struct {
	method string
	path   string
	scopes Scopes
	base   *Limit // rate of a match without a rate of its own; nil: unlimited
	rated  bool   // rates differ between the rules: the most specific match decides

	found found
	need  need
}

// found is the most specific match so far.
type found struct {
	ok   bool
	node *node
	rank int
	rate *Limit // nil: unlimited
}

// need is the nearest refusal for want of scopes so far.
type need struct {
	missing int // 0: none
	scopes  []string
}

// nearer keeps the refusal that lacks the fewest scopes, then the smaller list,
// so that the answer does not depend on any order.
func (n *need) nearer(other need) {
	if other.missing == 0 {
		return
	}
	if n.missing == 0 || other.missing < n.missing ||
		other.missing == n.missing && slices.Compare(other.scopes, n.scopes) < 0 {
		*n = other
	}
}

// from visits the rules at and below n until one settles the search. rest is the
// part of the path that is still to go, with its leading slash; depth is the
// number of segments before it. Literal segments come before {name}, so of two
// templates the first that fits is the more specific one.
func (s *search) from(n *node, rest string, depth int) bool {
	for i := range n.opens {
		if r := &n.opens[i]; s.opens(r) && s.settles(n, r, depth) {
			return true
		}
	}
	if rest == "" || rest == "/" {
		return s.ends(n, rest, depth)
	}
	segment, after := rest[1:], ""
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment, after = segment[:i], segment[i:]
	}
	if next := n.child(segment); next != nil && s.from(next, after, depth+1) {
		return true
	}
	return n.param != nil && s.from(n.param, after, depth+1)
}

// ends visits the rules whose path ends at n.
func (s *search) ends(n *node, rest string, depth int) bool {
	end := whole
	if rest == "/" {
		end = slash
	}
	for i := range n.ends {
		r := &n.ends[i]
		if r.shape == end && slices.Contains(r.methods, s.method) && s.settles(n, r, depth) {
			return true
		}
	}
	return false
}

// opens reports whether a rule that does not end at its node fits.
func (s *search) opens(r *rule) bool {
	if !slices.Contains(r.methods, s.method) {
		return false
	}
	return r.shape == below ||
		strings.HasPrefix(s.path, r.prefix) && strings.Contains(s.path, r.holds) && r.expr.MatchString(s.path)
}

// settles judges a rule whose method and path fit, and reports whether the
// search is over.
func (s *search) settles(n *node, r *rule, depth int) bool {
	if missing := s.scopes.missing(r.needs); missing > 0 {
		s.need.nearer(need{missing, r.needs})
		return false
	}
	next := found{ok: true, node: n, rank: r.rank(depth), rate: r.rate}
	if r.rate == nil {
		next.rate = s.base
	}
	if s.moreSpecific(&next) {
		s.found = next
	}
	return !s.rated
}

// moreSpecific reports whether next decides instead of what was found. Matches
// that are equally specific (the same path, or regular expressions) leave it to
// the more generous one.
func (s *search) moreSpecific(next *found) bool {
	switch was := &s.found; {
	case !was.ok || next.rank != was.rank:
		return !was.ok || next.rank < was.rank
	case next.node == was.node || next.rank == rankExpr:
		return compareRates(next.rate, was.rate) > 0
	default:
		return false
	}
}

// The ranks of specificity, smaller is more specific: paths and templates,
// regular expressions, then prefixes, the deepest first.
const (
	rankPath  = 0
	rankExpr  = 1
	rankBelow = 2 + MaxTarget // minus the depth, which no pattern can bring to MaxTarget
)

func (r *rule) rank(depth int) int {
	switch r.shape {
	case expr:
		return rankExpr
	case below:
		return rankBelow - depth
	default:
		return rankPath
	}
}
