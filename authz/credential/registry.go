package credential

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// Topic is the topic of the feed under which changes are told. The payload is
// the id of the record.
const Topic = "credential"

// Errors of a Registry; others are those of package store.
var (
	ErrExists  = errors.New("a key with this id exists")
	ErrUnknown = errors.New("no key has this id")
	ErrChanged = errors.New("the key has changed meanwhile: read it again")
)

// Backend is what a Registry needs of a store.
type Backend interface {
	store.KV
	Publish(ctx context.Context, topic string, payload []byte) (store.Position, error)
}

// Options is what a Registry is made of.
type Options struct {
	Store   Backend
	Keyring *seal.Keyring
	Entries int              // of the cache; 0 is 65,536
	Budget  time.Duration    // of one look-up; 0 is 25ms
	Now     func() time.Time // nil: time.Now
}

// Registry keeps credentials. It is safe for concurrent use.
type Registry struct {
	options Options
	cache   *cache
}

// NewRegistry makes a Registry.
func NewRegistry(o Options) *Registry {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Budget <= 0 {
		o.Budget = 25 * time.Millisecond
	}
	if o.Entries <= 0 {
		o.Entries = 65536
	}
	return &Registry{options: o, cache: newCache(o.Entries)}
}

// Stored is a credential as it is kept. Etag names this state of it.
type Stored struct {
	*Credential
	Etag string
}

// etag is the text of a version.
func etag(v store.Version) string { return strconv.FormatUint(uint64(v), 36) }

// condition is the version of an etag; any state for "".
func condition(text string) (store.Version, error) {
	if text == "" {
		return store.Any, nil
	}
	v, err := strconv.ParseUint(text, 36, 64)
	if err != nil || store.Version(v) == store.Any || store.Version(v) == store.Absent {
		return store.Any, ErrChanged
	}
	return store.Version(v), nil
}

// recordID is the id of new records.
func (r *Registry) recordID(session string) string { return r.options.Keyring.ID(recordKind, session) }

// Create keeps a new credential; ErrExists when its id is taken.
func (r *Registry) Create(ctx context.Context, c Credential) (Stored, error) {
	now := r.options.Now()
	c.Created, c.Updated = now.UTC(), now.UTC()
	if err := c.check(now); err != nil {
		return Stored{}, err
	}
	// With an older seal key it would stand at another place.
	switch _, _, err := r.read(ctx, c.Session()); {
	case err == nil:
		return Stored{}, ErrExists
	case !errors.Is(err, ErrUnknown):
		return Stored{}, err
	}
	return r.put(ctx, r.recordID(c.Session()), &c, store.Absent)
}

// put writes a record and tells every replica.
func (r *Registry) put(ctx context.Context, id string, c *Credential, on store.Version) (Stored, error) {
	record, err := encode(r.options.Keyring, id, c)
	if err != nil {
		return Stored{}, err
	}
	version, err := r.options.Store.Put(ctx, key(id), record, store.Write{If: on})
	switch {
	case errors.Is(err, store.ErrConflict) && on == store.Absent:
		return Stored{}, ErrExists
	case errors.Is(err, store.ErrConflict):
		return Stored{}, ErrChanged
	case err != nil:
		return Stored{}, err
	}
	return Stored{Credential: c, Etag: etag(version)}, r.changed(ctx, id)
}

// changed makes every replica read a record anew. When the feed cannot be
// reached the change is made but the others learn of it only when their entries
// age: the caller is told, and may ask again.
func (r *Registry) changed(ctx context.Context, id string) error {
	r.cache.drop(id)
	if _, err := r.options.Store.Publish(ctx, Topic, []byte(id)); err != nil {
		return fmt.Errorf("the key is stored, but other replicas may take %s to see it: %w", keepFound, err)
	}
	return nil
}

// Changed takes one event of the feed: a record was written or deleted.
func (r *Registry) Changed(payload []byte) { r.cache.drop(string(payload)) }

// Forget empties what this replica remembers: after a gap in the feed.
func (r *Registry) Forget() { r.cache.clear() }

// place is where a credential is kept.
type place struct {
	id      string // of the record
	version store.Version
}

// read finds a credential by its session, under any seal key.
func (r *Registry) read(ctx context.Context, session string) (*Credential, place, error) {
	for id := range r.options.Keyring.IDs(recordKind, session) {
		record, err := r.options.Store.Get(ctx, key(id))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, place{}, err
		}
		c, err := decode(r.options.Keyring, id, record.Value)
		return c, place{id: id, version: record.Version}, err
	}
	return nil, place{}, ErrUnknown
}

// Get reads a credential.
func (r *Registry) Get(ctx context.Context, org, id string) (Stored, error) {
	return r.GetSession(ctx, Session(org, id))
}

// GetSession reads the credential that a session id stands for.
func (r *Registry) GetSession(ctx context.Context, session string) (Stored, error) {
	c, at, err := r.read(ctx, session)
	if err != nil {
		return Stored{}, err
	}
	return Stored{Credential: c, Etag: etag(at.version)}, nil
}

// Change is what Update does to a credential. It may be called again when the
// credential changes meanwhile and no etag was given.
type Change func(*Credential) error

// Update changes a credential; ErrChanged when etag is not "" and names another
// state. Id, org and time of creation stay.
func (r *Registry) Update(ctx context.Context, session, tag string, change Change) (Stored, error) {
	want, err := condition(tag)
	if err != nil {
		return Stored{}, err
	}
	for range 8 { // others change it at the same time
		c, at, err := r.read(ctx, session)
		if err != nil {
			return Stored{}, err
		}
		if want != store.Any && want != at.version {
			return Stored{}, ErrChanged
		}
		id, org, created, expires := c.ID, c.Org, c.Created, c.Expires
		if err := change(c); err != nil {
			return Stored{}, err
		}
		now := r.options.Now()
		c.ID, c.Org, c.Created, c.Updated = id, org, created, now.UTC()
		checked := *c
		if c.Expires.Equal(expires) {
			checked.Expires = time.Time{} // a key that has ended may be changed otherwise
		}
		if err := checked.check(now); err != nil {
			return Stored{}, err
		}
		stored, err := r.put(ctx, at.id, c, at.version)
		if !errors.Is(err, ErrChanged) || want != store.Any {
			return stored, err
		}
	}
	return Stored{}, ErrChanged
}

// Rotate gives a credential a new secret. The newest of its old ones verifies
// until the overlap ends; 0 ends them all at once.
func (r *Registry) Rotate(ctx context.Context, session, tag string, fresh Secret, overlap time.Duration) (Stored, error) {
	return r.Update(ctx, session, tag, func(c *Credential) error {
		old := c.Secrets
		c.Secrets = []Secret{fresh}
		if overlap > 0 && len(old) > 0 {
			last := old[0]
			if until := r.options.Now().Add(overlap).UTC(); last.Until.IsZero() || until.Before(last.Until) {
				last.Until = until
			}
			c.Secrets = append(c.Secrets, last)
		}
		return nil
	})
}

// Delete removes a credential; ErrUnknown when there is none.
func (r *Registry) Delete(ctx context.Context, session, tag string) error {
	want, err := condition(tag)
	if err != nil {
		return err
	}
	found := false
	for _, id := range slices.Collect(r.options.Keyring.IDs(recordKind, session)) {
		switch _, err := r.options.Store.Get(ctx, key(id)); {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		found = true
		err := r.options.Store.Delete(ctx, key(id), want)
		if errors.Is(err, store.ErrConflict) {
			return ErrChanged
		}
		if err != nil {
			return err
		}
		if err := r.changed(ctx, id); err != nil {
			return err
		}
	}
	if !found {
		return ErrUnknown
	}
	return nil
}

// Ref is the id of a record as lists show it.
func ref(id string) string { return hex.EncodeToString([]byte(id)) }
