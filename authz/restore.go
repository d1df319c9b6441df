package authz

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/split"
)

// restore makes the whole token of a half where the API takes split tokens.
func (d *decision) restore(ctx context.Context) *denial {
	d.token, d.kind = d.found.raw, KindToken
	if !d.api.spec.Split.on() {
		return nil
	}
	d.trace.step("restore")
	if strings.Contains(d.found.raw, ".") {
		if d.api.spec.Split.Mode == SplitRequired {
			return &denial{reason: TokenMalformed, early: true}
		}
		return nil
	}
	d.kind = KindSplit
	whole, err := d.e.restore(ctx, d.api.spec.Org, d.found.raw)
	switch {
	case errors.Is(err, ErrNoToken):
		return &denial{reason: TokenUnknown, split: true}
	case err != nil:
		return &denial{reason: StoreUnavailable, err: err}
	}
	d.whole, d.token = whole, whole.Token
	return nil
}

// restore asks who restores. A Kept remembers more of a token than its text.
func (e *Engine) restore(ctx context.Context, org, half string) (*split.Whole, error) {
	if kept := e.options.Kept; kept != nil && e.options.Restorer == Restorer(kept) {
		return kept.restore(ctx, half)
	}
	token, err := e.options.Restorer.Restore(ctx, org, half)
	if err != nil {
		return nil, err
	}
	return split.NewWhole(token), nil
}

// hash is the SHA-256 of the whole token.
func (d *decision) hash() [sha256.Size]byte {
	if d.whole != nil {
		return d.whole.Hash
	}
	return tokenHash(d.token)
}
