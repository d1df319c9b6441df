package cases

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// keeper is a session whose store a case file can fill.
type keeper interface {
	// keep makes what the file says that the store holds.
	keep(ctx context.Context, f *File, keys map[string]*tokens.Key) error
	// hold brings the store into the state of a case and gives what its client
	// holds of the token: the half where it is split.
	hold(ctx context.Context, f *File, one *Case, token string) (string, error)
}

// errNothingKept says that a file fills a store that nobody would open.
var errNothingKept = errors.New("the configuration keeps nothing in a store: it has neither credentials, nor split tokens, nor listen.public or listen.admin")

// keep implements keeper.
func (r *running) keep(ctx context.Context, f *File, keys map[string]*tokens.Key) error {
	if len(f.Credentials) == 0 && len(f.Revocations) == 0 {
		return nil
	}
	if r.kept == nil {
		return errNothingKept
	}
	r.set(time.Unix(0, 0)) // also what has expired by the time of the file was made once
	for i := range f.Credentials {
		made, err := f.Credentials[i].made(f, keys)
		if err == nil {
			_, err = r.kept.Keys().Create(ctx, made)
		}
		if err != nil {
			return fmt.Errorf("credential %s: %w", f.Credentials[i].ID, err)
		}
	}
	for i := range f.Revocations {
		rule := &f.Revocations[i]
		_, err := r.kept.CreateRevocation(ctx, authz.RevocationRule{
			Kind: authz.RevocationKind(rule.Kind), Value: rule.Value, Issuer: rule.Issuer,
			Before: rule.Before.from(f.begin()), Until: rule.Until.from(f.begin()), By: "case",
		})
		if err != nil {
			return fmt.Errorf("revocation %d: %w", i+1, err)
		}
	}
	return nil
}

// made is the credential as the store keeps it.
func (c *Credential) made(f *File, keys map[string]*tokens.Key) (credential.Credential, error) {
	made := credential.Credential{
		ID: c.ID, Org: c.Org, Policies: c.Policies, Tags: c.Tags, Meta: c.Meta,
		Inactive: c.Inactive, Expires: c.Expires.from(f.begin()),
	}
	for _, name := range c.Secrets {
		secret := credential.Secret{Kind: credential.HMAC, Material: keys[name].Secret()}
		if secret.Material == nil {
			public, err := keys[name].PEM()
			if err != nil {
				return made, err
			}
			secret = credential.Secret{Kind: credential.PublicKey, Material: public}
		}
		made.Secrets = append(made.Secrets, secret)
	}
	return made, nil
}

// hold implements keeper.
func (r *running) hold(ctx context.Context, f *File, one *Case, token string) (string, error) {
	moment := f.moment(one)
	r.store.away.Store(false)
	r.stale.Store(int64(one.Store.Stale))
	if one.Store.Stale > 0 && r.kept == nil {
		return "", errNothingKept
	}
	if wanted := f.Token.with(one.Token); wanted != nil && (wanted.Split != nil || wanted.Revoked) {
		var err error
		if token, err = r.change(ctx, wanted, token, moment); err != nil {
			return "", err
		}
	}
	if one.Store.Away {
		r.store.away.Store(true)
		if r.kept != nil {
			r.kept.Keys().Forget() // what it remembers would answer in the store's place
		}
	}
	return token, nil
}

// change splits and revokes a token.
func (r *running) change(ctx context.Context, wanted *Token, token string, moment time.Time) (string, error) {
	if r.kept == nil {
		return "", errNothingKept
	}
	r.set(moment)
	if split := wanted.Split; split != nil {
		if split.At != "" {
			r.set(split.At.from(moment))
		}
		half, err := r.Split(ctx, split.API, token)
		if err != nil {
			return "", fmt.Errorf("splitting the token on %s: %w", split.API, err)
		}
		token = half.Text
	}
	if wanted.Revoked {
		r.set(moment)
		if done, err := r.Revoke(ctx, "", token, "case"); err != nil {
			return "", fmt.Errorf("revoking the token: %w", err)
		} else if !done {
			return "", errors.New("revoking the token: no API knows it, so that there is nothing to revoke")
		}
	}
	return token, nil
}

// news are revocations that were heard of when a case says so: the feed of a store
// in the same process is never late by itself.
type news struct{ of *running }

// Ended implements authz.Revocations.
func (n news) Ended(asked *authz.Revocable, now time.Time) (ended bool, staleFor time.Duration) {
	ended, _ = n.of.kept.Ended(asked, now)
	return ended, time.Duration(n.of.stale.Load())
}

// fickle is a store that can be away.
type fickle struct {
	store.Backend
	away atomic.Bool
}

func (f *fickle) there() error {
	if f.away.Load() {
		return store.ErrUnavailable
	}
	return nil
}

// Get implements store.KV.
func (f *fickle) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := f.there(); err != nil {
		return store.Record{}, err
	}
	return f.Backend.Get(ctx, key)
}

// Count implements store.Counter.
func (f *fickle) Count(ctx context.Context, id string, step store.Step, c *limit.Charge) (limit.Verdict, error) {
	if err := f.there(); err != nil {
		return limit.Verdict{}, err
	}
	return f.Backend.Count(ctx, id, step, c)
}

// CountBoth implements store.Counter.
func (f *fickle) CountBoth(ctx context.Context, own, shared *store.Part) {
	if err := f.there(); err != nil {
		own.Err, shared.Err = err, err
		return
	}
	f.Backend.CountBoth(ctx, own, shared)
}
