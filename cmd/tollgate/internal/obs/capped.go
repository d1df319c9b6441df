package obs

import "sync"

// maxPairs bounds a metric whose label values the code names, not the
// configuration: a mistake there must not grow /metrics without end.
const maxPairs = 128

// capped keeps the children of one metric by up to two label values; after
// maxPairs of them every new pair shares the child "other". Values are scrubbed
// when they are first seen: they are text that other packages write.
type capped[C any] struct {
	mu    sync.RWMutex
	known map[pair]C
	make  func(first, second string) C
	plain bool // the hook of the canary test
}

type pair struct{ first, second string }

func newCapped[C any](plain bool, make func(first, second string) C) *capped[C] {
	return &capped[C]{known: map[pair]C{}, make: make, plain: plain}
}

func (c *capped[C]) get(first, second string) C {
	key := pair{first, second}
	c.mu.RLock()
	child, found := c.known[key]
	c.mu.RUnlock()
	if found {
		return child
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if child, found = c.known[key]; found {
		return child
	}
	if len(c.known) >= maxPairs {
		key = pair{other, ""}
		if second != "" {
			key.second = other
		}
		if child, found = c.known[key]; found {
			return child
		}
	}
	shown := key
	if !c.plain {
		shown = pair{Scrub(key.first), Scrub(key.second)}
	}
	child = c.make(shown.first, shown.second)
	c.known[key] = child
	return child
}
