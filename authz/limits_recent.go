package authz

import (
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/store/limit"
)

// recent is what a shared store said of late: who was refused, and until when, so
// that it is not asked again; and how much was left, for the time without it. It
// is bounded; what falls out is asked again.
type recent struct {
	shards [recentShards]recentShard
}

type recentShard struct {
	mu    sync.Mutex
	byKey map[recentKey]said
}

// recentKey names the limits of one record that were charged together.
type recentKey struct {
	record string
	print  uint64
}

// said is one answer of the store.
type said struct {
	until  int64 // refused until then, in micros of this process's clock; 0: not refused
	ends   int64 // … really; limit.Never
	denied int
	usage  [mostOwn]limit.Usage
	unused bool // not yet used as the beginning of a share
}

const (
	recentShards  = 64
	recentEntries = 1024 // of one shard
	// deniedAtMost is how long a refusal is repeated without asking. Whoever resets
	// or tops up a counter is heard of at once, through the feed, or else after
	// this time.
	deniedAtMost = 5 * time.Second
)

func newRecent() *recent {
	r := &recent{}
	for i := range r.shards {
		r.shards[i].byKey = map[recentKey]said{}
	}
	return r
}

func (r *recent) shard(record string) *recentShard {
	if record == "" {
		return &r.shards[0]
	}
	return &r.shards[record[0]%recentShards]
}

// refuses says whether the store has just refused what is asked for, and fills the
// verdict in.
func (r *recent) refuses(c *check) bool {
	return r.repeats(&c.own) || r.repeats(&c.shared)
}

func (r *recent) repeats(s *side) bool {
	if s.n == 0 {
		return false
	}
	shard := r.shard(s.part.ID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	last, ok := shard.byKey[recentKey{s.part.ID, s.print}]
	now := s.charge.Now
	if !ok || last.until <= now || last.until-now > deniedAtMost.Microseconds() { // the clock has stepped back
		return false
	}
	v := limit.Verdict{Denied: last.denied, Wait: limit.Never}
	if last.ends != limit.Never {
		v.Wait = last.ends - now
	}
	copy(v.Usage[:], last.usage[:s.n])
	s.part.Verdict, s.known = v, true
	return true
}

// note keeps what the store said.
func (r *recent) note(c *check) {
	for _, s := range [...]*side{&c.own, &c.shared} {
		if s.n == 0 || s.part.Err != nil {
			continue
		}
		v := &s.part.Verdict
		now := said{unused: true}
		copy(now.usage[:], v.Usage[:s.n])
		if !v.Admitted {
			now.denied = s.refusing()
			now.until = s.charge.Now + deniedAtMost.Microseconds()
			if now.ends = limit.Never; v.Wait != limit.Never {
				now.ends = s.charge.Now + v.Wait
				now.until = min(now.until, now.ends)
			}
		}
		r.shard(s.part.ID).put(recentKey{s.part.ID, s.print}, &now)
	}
}

func (s *recentShard) put(key recentKey, what *said) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.byKey[key]; !there && len(s.byKey) >= recentEntries {
		for other := range s.byKey { // any one: maps are walked in no order
			delete(s.byKey, other)
			break
		}
	}
	s.byKey[key] = *what
}

// lastLeft gives what was said of a record, once.
func (r *recent) lastLeft(s *side) (said, bool) {
	shard := r.shard(s.part.ID)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	key := recentKey{s.part.ID, s.print}
	last, ok := shard.byKey[key]
	if !ok || !last.unused {
		return said{}, false
	}
	used := last
	used.unused = false
	shard.byKey[key] = used
	return last, true
}

// forget drops everything about a record.
func (r *recent) forget(record string) {
	shard := r.shard(record)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	for key := range shard.byKey {
		if key.record == record {
			delete(shard.byKey, key)
		}
	}
}

// clear drops everything.
func (r *recent) clear() {
	for i := range r.shards {
		r.shards[i].mu.Lock()
		clear(r.shards[i].byKey)
		r.shards[i].mu.Unlock()
	}
}
