package split

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
)

// What a replica remembers. A restored token is good for keepOpen at most, also
// where a replica is cut off from the feed; a miss for keepMiss, so that a flood
// of one random half asks the store once.
const (
	keepOpen    = 20 * time.Second
	keepMiss    = 2 * time.Second
	mostMisses  = 65536
	mostEnded   = 65536
	entryWeight = 260 // bytes of an entry besides its text
)

// digest names a half without holding it.
type digest [sha256.Size]byte

// digestOf hashes from the stack: a copy of the text on the heap would be the
// largest allocation of a warm check.
func digestOf(text string) digest {
	var usual [maxHalf]byte
	return sha256.Sum256(usual[:copy(usual[:], text)])
}

// opened is a restored token.
type opened struct {
	whole   *Whole
	id      [32]byte // where it is stored
	expires time.Time
	until   time.Time // kept so long
}

// memory is the bounded cache of one replica.
type recall struct {
	open  *otter.Cache[digest, opened]
	miss  *otter.Cache[digest, time.Time]
	mutex sync.RWMutex
	ended map[[32]byte]time.Time // ids deleted lately, until their entries are gone
}

func newRecall(bytes int64) *recall {
	m := &recall{
		miss:  otter.Must(&otter.Options[digest, time.Time]{MaximumSize: mostMisses}),
		ended: map[[32]byte]time.Time{},
	}
	if bytes > 0 {
		m.open = otter.Must(&otter.Options[digest, opened]{
			MaximumWeight: uint64(bytes),
			Weigher:       func(_ digest, o opened) uint32 { return uint32(len(o.whole.Bearer)) + entryWeight }, //nolint:gosec // tokens are bounded
		})
	}
	return m
}

// find gives a remembered token, or says that there was none lately.
func (m *recall) find(d digest, now time.Time) (o opened, found, missed bool) {
	if m.open != nil {
		o, found = m.open.GetIfPresent(d)
		if found && now.Before(o.until) && now.Before(o.expires) && !m.hasEnded(o.id) {
			return o, true, false
		}
	}
	until, missed := m.miss.GetIfPresent(d)
	return opened{}, false, missed && now.Before(until)
}

func (m *recall) keep(d digest, o opened, now time.Time) {
	if m.open == nil {
		return
	}
	o.until = now.Add(keepOpen)
	m.open.Set(d, o)
}

func (m *recall) keepMiss(d digest, now time.Time) { m.miss.Set(d, now.Add(keepMiss)) }

// forgetMiss is for a half that has just been stored.
func (m *recall) forgetMiss(d digest) { m.miss.Invalidate(d) }

// end makes this replica forget what is stored at id. The entries of the cache
// go by themselves within keepOpen, so that is how long an ended id is
// remembered; with too many of them everything is forgotten.
func (m *recall) end(id [32]byte, now time.Time) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if len(m.ended) >= mostEnded {
		for old, until := range m.ended {
			if !now.Before(until) {
				delete(m.ended, old)
			}
		}
	}
	if len(m.ended) >= mostEnded {
		clear(m.ended)
		if m.open != nil {
			m.open.InvalidateAll()
		}
	}
	// One keepOpen more, for a look-up that was under way while it was deleted.
	m.ended[id] = now.Add(2 * keepOpen)
}

// revive is for an id that is stored anew after its end.
func (m *recall) revive(id [32]byte) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.ended, id)
}

func (m *recall) hasEnded(id [32]byte) bool {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	_, ended := m.ended[id]
	return ended
}
