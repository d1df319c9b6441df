package authz

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/authz/internal/revoked"
	"github.com/tollgate-authz/tollgate/authz/internal/split"
	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// KeptOptions is what a Kept is made of.
type KeptOptions struct {
	Store      store.Backend
	Keyring    *seal.Keyring
	CacheBytes int64            // restored tokens; 0 is off
	MaxToken   int              // bytes of a whole token; 0 is the default
	Budget     time.Duration    // of one look-up; 0 is 25ms
	Now        func() time.Time // nil: time.Now
	// Failed is told when the feed of changes cannot be followed or holds what
	// cannot be read; nil for nobody.
	Failed func(error)
}

// Kept is what an engine keeps in a store: split tokens, revocations and
// credentials. It is a Restorer, Revocations and Credentials. Run keeps it up to
// date with other replicas.
type Kept struct {
	options  KeptOptions
	splitter *split.Splitter
	revoked  *revoked.Registry
	keys     *credential.Registry

	loaded     chan struct{} // closed when the revocations were read once
	loadedOnce sync.Once
}

// NewKept makes a Kept. Before Run has loaded the revocations they are stale.
func NewKept(o KeptOptions) *Kept {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return &Kept{
		options: o, loaded: make(chan struct{}),
		splitter: split.New(split.Options{
			Store: o.Store, Keyring: o.Keyring, CacheBytes: o.CacheBytes, MaxToken: o.MaxToken, Budget: o.Budget, Now: o.Now,
		}),
		revoked: revoked.NewRegistry(o.Store, o.Keyring, o.Now),
		keys:    credential.NewRegistry(credential.Options{Store: o.Store, Keyring: o.Keyring, Budget: o.Budget, Now: o.Now}),
	}
}

// Keys are the credentials.
func (k *Kept) Keys() *credential.Registry { return k.keys }

// Loaded is closed when Run has read the revocations for the first time.
func (k *Kept) Loaded() <-chan struct{} { return k.loaded }

// Restore implements Restorer. The org does not matter here: a half is good
// where the token that it gives is accepted.
func (k *Kept) Restore(ctx context.Context, _, half string) (string, error) {
	whole, err := k.restore(ctx, half)
	if err != nil {
		return "", err
	}
	return whole.Token, nil
}

func (k *Kept) restore(ctx context.Context, half string) (*split.Whole, error) {
	whole, err := k.splitter.Restore(ctx, half)
	if errors.Is(err, split.ErrHalf) || errors.Is(err, split.ErrNoToken) {
		return nil, ErrNoToken
	}
	return whole, err
}

// Ended implements Revocations.
func (k *Kept) Ended(s *Revocable, now time.Time) (ended bool, staleFor time.Duration) {
	set := k.revoked.Set()
	facts := revoked.Facts{
		Issuer: s.Issuer, JWTID: s.JWTID, Token: s.Token, Subject: s.Subject,
		Session: s.Session, Client: s.Client, IssuedAt: s.IssuedAt,
	}
	return set.Ends(&facts, now), set.StaleFor(now)
}

// Find implements Credentials.
func (k *Kept) Find(ctx context.Context, org, id string) (*Credential, error) {
	live, err := k.keys.Find(ctx, org, id)
	if errors.Is(err, credential.ErrUnknown) {
		return nil, ErrNoCredential
	}
	if err != nil {
		return nil, err
	}
	found := &Credential{
		ID: live.ID, Inactive: live.Inactive, Expires: live.Expires, Policies: live.Policies, Tags: live.Tags,
		Meta: live.Meta, Keys: live.Keys(k.options.Now()), Compiled: &live.Compiled,
	}
	switch {
	case live.Tyk != nil:
		found.Own = &policies.Spec{ID: live.Session(), Org: live.Org, Tyk: live.Tyk}
	case len(live.Access) > 0 || live.Rate != nil || live.Quota != nil:
		found.Own = &policies.Spec{ID: live.Session(), Org: live.Org, Access: live.Access, Rate: live.Rate, Quota: live.Quota}
	}
	return found, nil
}

// keep fills the seams that a Kept can fill.
func (o *Options) keep() {
	if o.Kept == nil {
		return
	}
	if o.Restorer == nil {
		o.Restorer = o.Kept
	}
	if o.Revocations == nil {
		o.Revocations = o.Kept
	}
	if o.Credentials == nil {
		o.Credentials = o.Kept
	}
}

// retryAfter is how long Run waits after a failure before it begins again;
// reread is how often revocations are loaded anew while one cannot be read.
const (
	retryAfter = time.Second
	reread     = time.Minute
)

// Run loads the revocations and follows the changes of all replicas until ctx
// ends. Failures are told and tried again.
func (k *Kept) Run(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		k.options.Failed(err)
		wait := time.NewTimer(retryAfter)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
}

func (k *Kept) follow(ctx context.Context) error {
	k.forget()
	head, err := k.revoked.Load(ctx)
	k.forget() // also what has come in before the head
	if err == nil || errors.Is(err, revoked.ErrUnreadable) {
		k.loadedOnce.Do(func() { close(k.loaded) })
	}
	if errors.Is(err, revoked.ErrUnreadable) {
		// Follow what can be read, and look again: the record may be mended.
		k.options.Failed(err)
		bounded, cancel := context.WithTimeout(ctx, reread)
		defer cancel()
		return k.options.Store.Subscribe(bounded, head, follower{k})
	}
	if err != nil {
		return err
	}
	return k.options.Store.Subscribe(ctx, head, follower{k})
}

// forget drops what is remembered: it may have changed while nobody listened.
func (k *Kept) forget() {
	k.splitter.Forget()
	k.keys.Forget()
}

// follower hands the events of the feed to whom they concern.
type follower struct{ k *Kept }

// Event implements store.Follower.
func (f follower) Event(e store.Event) {
	switch e.Topic {
	case split.Topic:
		f.k.splitter.Ended(e.Payload)
	case credential.Topic:
		f.k.keys.Changed(e.Payload)
	case revoked.Topic:
		if err := f.k.revoked.Event(e); err != nil {
			f.k.options.Failed(err)
		}
	}
}

// Contact implements store.Follower.
func (f follower) Contact(at time.Time) { f.k.revoked.Contact(at) }
