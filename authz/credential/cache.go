package credential

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// What a replica remembers. A change elsewhere is heard of through the feed in
// under a second; keepFound and keepMiss bound it where the feed is cut.
const (
	keepFound = 30 * time.Second
	keepMiss  = 2 * time.Second
)

// cache remembers look-ups by the id of the record.
type cache struct {
	entries *otter.Cache[string, *entry]
	// epoch counts drops, so that a record that was read before a change is not
	// remembered after it.
	epoch atomic.Uint64
}

// entry is one remembered look-up; live is nil for a miss.
type entry struct {
	live  *Live
	until time.Time
}

func newCache(entries int) *cache {
	return &cache{entries: otter.Must(&otter.Options[string, *entry]{
		MaximumSize: entries,
		OnDeletion: func(e otter.DeletionEvent[string, *entry]) {
			if e.Value.live != nil {
				e.Value.live.stale.Store(true)
			}
		},
	})}
}

func (c *cache) get(id string, now time.Time) (*entry, bool) {
	e, ok := c.entries.GetIfPresent(id)
	if !ok || !now.Before(e.until) {
		return nil, false
	}
	return e, true
}

// put remembers a look-up that began at epoch.
func (c *cache) put(id string, e *entry, epoch uint64) {
	if c.epoch.Load() != epoch {
		return
	}
	c.entries.Set(id, e)
	if c.epoch.Load() != epoch { // a drop has come between
		c.drop(id)
	}
}

func (c *cache) drop(id string) {
	c.epoch.Add(1)
	if e, ok := c.entries.GetIfPresent(id); ok && e.live != nil {
		e.live.stale.Store(true) // at once: OnDeletion may come later
	}
	c.entries.Invalidate(id)
}

func (c *cache) clear() {
	c.epoch.Add(1)
	for _, e := range c.entries.All() {
		if e.live != nil {
			e.live.stale.Store(true)
		}
	}
	c.entries.InvalidateAll()
}
