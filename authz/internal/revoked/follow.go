package revoked

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// Topic is the topic of the feed under which rules are told.
const Topic = "revoked"

// ErrUnreadable says that there are rules that this keyring does not open: the
// set stays stale until they can be read or are gone.
var ErrUnreadable = errors.New("a stored revocation cannot be read")

// sweep is how often rules whose time is over are dropped; until then they only
// take memory.
const sweep = time.Minute

// Load reads all rules from the store and gives the position after which
// Follow must be told of changes.
func (r *Registry) Load(ctx context.Context) (store.Position, error) {
	head, err := r.store.Head(ctx)
	if err != nil {
		return "", err
	}
	rules := map[string]Rule{}
	var unreadable error
	r.doubt.Store(false)
	for item, err := range store.All(ctx, r.store, key("")) {
		if err != nil {
			return "", err
		}
		rule, err := r.open(item.Key.ID, item.Value)
		if err != nil {
			unreadable = fmt.Errorf("%w: %w", ErrUnreadable, err)
			continue
		}
		if len(rules) < MaxRules {
			rules[item.Key.ID] = rule
		}
	}
	r.set.replace(rules)
	if unreadable != nil {
		// Tokens that one of those ends would pass: stay stale, and say so.
		r.doubt.Store(true)
		return head, unreadable
	}
	r.set.heard(r.now())
	return head, nil
}

// Event takes one event of the feed. Whoever subscribes hands over those with
// Topic.
func (r *Registry) Event(e store.Event) error {
	id, sealed, err := parseChange(e.Payload)
	if err != nil {
		return err
	}
	if len(sealed) == 0 {
		r.set.remove(id)
		return nil
	}
	rule, err := r.open(id, sealed)
	if err != nil {
		r.doubt.Store(true)
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	r.set.add(id, rule)
	return nil
}

// Contact notes that everything published by then has been seen, and drops what
// is over.
func (r *Registry) Contact(at time.Time) {
	if !r.doubt.Load() {
		r.set.heard(at)
	}
	if now := r.now(); now.Sub(r.swept) >= sweep {
		r.swept = now
		r.set.forget(now)
	}
}
