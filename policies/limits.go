package policies

import "iter"

// Limits gives every limit that the policies of the set name, in no order. One
// counter may occur several times, once for each API that it is counted for.
func (s *Set) Limits() iter.Seq[*Limit] {
	return func(yield func(*Limit) bool) {
		for _, p := range s.byID {
			for _, on := range p.apis {
				if !each(yield, on.rate, on.quota) || on.tree != nil && !on.tree.limits(yield) {
					return
				}
			}
			if p.tyk != nil && !p.alone.limits(yield) {
				return
			}
		}
	}
}

// limits gives those of one policy of a Tyk file. Limits that several of them
// have only together are made when they are merged.
func (g *Grant) limits(yield func(*Limit) bool) bool {
	for _, on := range g.ready {
		for _, s := range on.sources {
			if !each(yield, s.rate, s.quota) {
				return false
			}
			for i := range s.endpoints {
				if !each(yield, s.endpoints[i].rate) {
					return false
				}
			}
		}
	}
	return true
}

// limits gives the rates of the entries below n.
func (n *node) limits(yield func(*Limit) bool) bool {
	for _, rules := range [][]rule{n.ends, n.opens} {
		for i := range rules {
			if !each(yield, rules[i].rate) {
				return false
			}
		}
	}
	for _, e := range n.edges {
		if !e.to.limits(yield) {
			return false
		}
	}
	return n.param == nil || n.param.limits(yield)
}

func each(yield func(*Limit) bool, limits ...*Limit) bool {
	for _, l := range limits {
		if l != nil && !yield(l) {
			return false
		}
	}
	return true
}

// CheckRate reports what is wrong with a rate that stands in no policy. Pointers
// are relative to it.
func CheckRate(rate *Rate) []Problem {
	var c compiler
	c.checkRate("", rate)
	return c.sorted()
}
