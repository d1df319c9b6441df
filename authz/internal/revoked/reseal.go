package revoked

import (
	"context"
	"errors"

	"github.com/tollgate-authz/tollgate/store"
)

// Resealed says what Reseal did.
type Resealed struct {
	Done       int // sealed anew with the first key
	Current    int // were so already
	Unreadable int // no key of the ring opens them: left as they are
}

// Reseal moves every rule under the first key of the ring, so that older keys can
// go. It may run while the service does, and again after a failure.
func (r *Registry) Reseal(ctx context.Context) (Resealed, error) {
	var out Resealed
	for item, err := range store.All(ctx, r.store, key("")) {
		if err != nil {
			return out, err
		}
		rule, err := r.open(item.Key.ID, item.Value)
		if err != nil {
			out.Unreadable++
			continue
		}
		id := r.idOf(rule)
		if id == item.Key.ID && r.ring.Current(item.Value) {
			out.Current++
			continue
		}
		if _, err := r.Create(ctx, rule); err != nil && !errors.Is(err, ErrRule) { // over meanwhile
			return out, err
		}
		if id != item.Key.ID {
			if err := r.store.Delete(ctx, item.Key, store.Any); err != nil {
				return out, err
			}
			if _, err := r.store.Publish(ctx, Topic, change(item.Key.ID, nil)); err != nil {
				return out, err
			}
		}
		out.Done++
	}
	return out, nil
}
