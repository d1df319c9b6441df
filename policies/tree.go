package policies

import (
	"regexp"
	"slices"
	"strings"
)

// rule is one access entry (or route) at the node of the tree that its path
// leads to.
type rule struct {
	methods []string
	needs   []string // scopes of policy and entry together, in order
	rate    *Limit   // own rate of the entry; nil: none written
	shape   shape
	expr    *regexp.Regexp
	prefix  string // see pattern
	holds   string
}

// node is one segment deep in the tree of path patterns. A request visits each
// node at most once, and only where its path leads: cost follows the path, not
// the number of rules. Regular expressions hang on the node of their literal
// segments, so most of them are never tried.
type node struct {
	edges []edge // by segment, for binary search
	param *node  // {name}
	ends  []rule // whole and slash
	opens []rule // below and expr
}

type edge struct {
	segment string
	to      *node
}

// insert adds a rule under the path that p describes.
func (n *node) insert(p pattern, r rule) {
	segments := p.segments
	if p.shape == expr {
		segments = wholeSegments(p.prefix)
	}
	for _, segment := range segments {
		n = n.grow(segment)
	}
	r.shape, r.expr, r.prefix, r.holds = p.shape, p.expr, p.prefix, p.holds
	if p.shape == below || p.shape == expr {
		n.opens = append(n.opens, r)
	} else {
		n.ends = append(n.ends, r)
	}
}

// grow gives the child for a segment of a pattern, made where it is missing.
func (n *node) grow(segment string) *node {
	if segment == "" {
		if n.param == nil {
			n.param = &node{}
		}
		return n.param
	}
	i, found := slices.BinarySearchFunc(n.edges, segment, compareEdge)
	if !found {
		n.edges = slices.Insert(n.edges, i, edge{segment: segment, to: &node{}})
	}
	return n.edges[i].to
}

// child gives the child for a segment of a path.
func (n *node) child(segment string) *node {
	if i, found := slices.BinarySearchFunc(n.edges, segment, compareEdge); found {
		return n.edges[i].to
	}
	return nil
}

func compareEdge(e edge, segment string) int { return strings.Compare(e.segment, segment) }

// wholeSegments gives the segments of a literal prefix that are complete.
func wholeSegments(prefix string) []string {
	end := strings.LastIndexByte(prefix, '/')
	if end < 1 || prefix[0] != '/' {
		return nil
	}
	segments := strings.Split(prefix[1:end], "/")
	if slices.Contains(segments, "") {
		return nil
	}
	return segments
}
