package credential

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
)

// Live is a credential ready for use: immutable, shared between requests.
type Live struct {
	*Credential
	// Compiled is what the credential grants under one snapshot, kept by whoever
	// compiles it.
	Compiled atomic.Pointer[Compiled]

	keys  []liveKey
	until time.Time
	stale atomic.Bool
}

// Compiled is the grant of a credential under the snapshot of that generation.
type Compiled struct {
	Generation uint64
	Grant      *policies.Grant
}

type liveKey struct {
	*jws.Key
	until time.Time
}

// Keys are those that verify at now, newest first.
func (l *Live) Keys(now time.Time) []*jws.Key {
	keys := make([]*jws.Key, 0, len(l.keys))
	for _, k := range l.keys {
		if k.until.IsZero() || now.Before(k.until) {
			keys = append(keys, k.Key)
		}
	}
	return keys
}

// Fresh says whether the credential may still be used as it was read: what was
// derived from it earlier holds only while it is fresh.
func (l *Live) Fresh(now time.Time) bool { return !l.stale.Load() && now.Before(l.until) }

// NextEnd is when the next of its secrets ends, zero for never: what was
// verified before may not verify after.
func (l *Live) NextEnd() time.Time {
	var next time.Time
	for _, k := range l.keys {
		if !k.until.IsZero() && (next.IsZero() || k.until.Before(next)) {
			next = k.until
		}
	}
	return next
}

// Find looks a credential up by its whole id; ErrUnknown when there is none.
// Every other error is a store that cannot be asked, or a record that cannot be
// read: a doubt, so no answer.
func (r *Registry) Find(ctx context.Context, org, id string) (*Live, error) {
	if id == "" || len(id) > MaxID {
		return nil, ErrUnknown
	}
	session := Session(org, id)
	now := r.options.Now()
	if e, ok := r.remembered(session, now); ok {
		if e.live == nil {
			return nil, ErrUnknown
		}
		return e.live, nil
	}
	epoch := r.cache.epoch.Load()
	ctx, cancel := context.WithTimeout(ctx, r.options.Budget)
	defer cancel()
	c, at, err := r.readAtOnce(ctx, session)
	switch {
	case errors.Is(err, ErrUnknown):
		r.cache.put(r.recordID(session), &entry{until: now.Add(keepMiss)}, epoch)
		return nil, ErrUnknown
	case err != nil:
		return nil, err
	case c.ID != id || c.Org != org: // two sessions with one hash: not in this world
		return nil, ErrUnknown
	}
	live, err := c.live(now.Add(keepFound))
	if err != nil {
		return nil, err
	}
	r.cache.put(at, &entry{live: live, until: live.until}, epoch)
	return live, nil
}

func (c *Credential) live(until time.Time) (*Live, error) {
	l := &Live{Credential: c, until: until}
	for i := range c.Secrets {
		k, err := c.Secrets[i].key()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errRecord, err)
		}
		l.keys = append(l.keys, liveKey{Key: k, until: c.Secrets[i].Until})
	}
	return l, nil
}

// remembered looks under the ids of all seal keys: what was found is remembered
// under the id of the record where it stands, which is what a change of it names.
func (r *Registry) remembered(session string, now time.Time) (*entry, bool) {
	for id := range r.options.Keyring.IDs(recordKind, session) {
		if e, ok := r.cache.get(id, now); ok {
			return e, true
		}
	}
	return nil, false
}

// readAtOnce asks the places of all seal keys together, one round trip in time, and
// gives the id of the record as well.
func (r *Registry) readAtOnce(ctx context.Context, session string) (*Credential, string, error) {
	ring := r.options.Keyring
	if ring.Len() == 1 {
		c, at, err := r.read(ctx, session)
		return c, at.id, err
	}
	type result struct {
		id  string
		c   *Credential
		err error
	}
	results := make(chan result, ring.Len())
	for id := range ring.IDs(recordKind, session) {
		go func() {
			record, err := r.options.Store.Get(ctx, key(id))
			if err != nil {
				results <- result{err: err}
				return
			}
			c, err := decode(ring, id, record.Value)
			results <- result{id: id, c: c, err: err}
		}()
	}
	failure := ErrUnknown
	var found result
	for range ring.Len() {
		got := <-results
		switch {
		case got.err == nil && (found.c == nil || got.c.Updated.After(found.c.Updated)):
			found = got
		case got.err != nil && !errors.Is(got.err, store.ErrNotFound):
			failure = got.err
		}
	}
	if !errors.Is(failure, ErrUnknown) {
		// One place did not answer: a newer state, or a deletion, may hide there.
		return nil, "", failure
	}
	if found.c == nil {
		return nil, "", ErrUnknown
	}
	return found.c, found.id, nil
}
