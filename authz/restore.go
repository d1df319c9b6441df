package authz

import (
	"context"
	"errors"
	"strings"
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
	token, err := d.e.options.Restorer.Restore(ctx, d.api.spec.Org, d.found.raw)
	switch {
	case errors.Is(err, ErrNoToken):
		return &denial{reason: TokenUnknown, split: true}
	case err != nil:
		return &denial{reason: StoreUnavailable, err: err}
	}
	d.token = token
	return nil
}
