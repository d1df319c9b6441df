package revoked

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// Backend is what a Registry needs of a store.
type Backend interface {
	store.KV
	store.Feed
}

// Registry keeps the rules of all replicas in a store and the set of this one
// up to date.
type Registry struct {
	store Backend
	ring  *seal.Keyring
	now   func() time.Time
	set   *Set
	doubt atomic.Bool // some rules cannot be read
	swept time.Time   // by the one goroutine that follows
}

// NewRegistry makes a Registry with an empty set. The set follows the store
// while Follow runs.
func NewRegistry(s Backend, ring *seal.Keyring, now func() time.Time) *Registry {
	if now == nil {
		now = time.Now
	}
	return &Registry{store: s, ring: ring, now: now, set: &Set{}}
}

// Set is what is revoked.
func (r *Registry) Set() *Set { return r.set }

// idKind separates the ids of rules from those of other records.
const idKind = "revocation"

func (r *Registry) idOf(rule Rule) string {
	return r.ring.ID(idKind, string(rule.Kind), rule.Issuer, rule.Value)
}

func key(id string) store.Key { return store.Key{Kind: store.KindRevocation, ID: id} }

// Create makes a rule, or replaces the one about the same thing, on every
// replica, and gives its id. It returns when the store has it.
func (r *Registry) Create(ctx context.Context, rule Rule) (string, error) {
	if err := rule.Check(); err != nil {
		return "", err
	}
	if !rule.Until.IsZero() && !rule.Until.After(r.now()) {
		return "", fmt.Errorf("%w: its time is over already", ErrRule)
	}
	if r.set.Len() >= MaxRules {
		return "", fmt.Errorf("%w: there are %d rules: revoke a subject, a client or all before a time instead", ErrRule, MaxRules)
	}
	plain, err := rule.encode()
	if err != nil {
		return "", err
	}
	id := r.idOf(rule)
	sealed := r.ring.Seal(binding(id), plain)
	if _, err := r.store.Put(ctx, key(id), sealed, store.Write{Expires: rule.Until}); err != nil {
		return "", err
	}
	r.set.add(id, rule)
	if _, err := r.store.Publish(ctx, Topic, change(id, sealed)); err != nil {
		return "", err
	}
	return hex.EncodeToString([]byte(id)), nil
}

// Delete takes a rule back on every replica; store.ErrNotFound when there is
// none.
func (r *Registry) Delete(ctx context.Context, text string) error {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != seal.IDSize {
		return store.ErrNotFound
	}
	id := string(raw)
	if _, err := r.store.Get(ctx, key(id)); err != nil {
		return err
	}
	if err := r.store.Delete(ctx, key(id), store.Any); err != nil {
		return err
	}
	r.set.remove(id)
	_, err = r.store.Publish(ctx, Topic, change(id, nil))
	return err
}

// Listed is one rule of a list.
type Listed struct {
	ID string
	Rule
}

// List gives a page of rules and where the next one begins, "" after the last.
func (r *Registry) List(ctx context.Context, from string) ([]Listed, string, error) {
	page, err := r.store.List(ctx, key(""), store.Cursor(from))
	if err != nil {
		return nil, "", err
	}
	var rules []Listed
	for _, item := range page.Items {
		rule, err := r.open(item.Key.ID, item.Value)
		if err != nil {
			continue // not for this ring: load tells of it
		}
		rules = append(rules, Listed{ID: hex.EncodeToString([]byte(item.Key.ID)), Rule: rule})
	}
	return rules, string(page.Next), nil
}

func (r *Registry) open(id string, sealed []byte) (Rule, error) {
	plain, err := r.ring.Open(binding(id), sealed)
	if err != nil {
		return Rule{}, err
	}
	return decode(plain)
}

func binding(id string) seal.Binding {
	return seal.Binding{Kind: idKind, ID: base64.RawURLEncoding.EncodeToString([]byte(id)), Version: version}
}

// errEvent says that an event is none of ours.
var errEvent = errors.New("unknown event")

// change is the payload of an event: the id, and the sealed rule unless it is
// gone.
func change(id string, sealed []byte) []byte { return append([]byte(id), sealed...) }

func parseChange(payload []byte) (id string, sealed []byte, err error) {
	if len(payload) < seal.IDSize {
		return "", nil, errEvent
	}
	return string(payload[:seal.IDSize]), payload[seal.IDSize:], nil
}
