package credential

import (
	"context"
	"errors"

	"github.com/tollgate-authz/tollgate/store"
)

// Page is a part of all credentials.
type Page struct {
	Keys       []Stored
	Unreadable []string // names of records that no key of the ring opens
	Next       string   // "" on the last page
}

// List gives a page of credentials and where the next one begins.
func (r *Registry) List(ctx context.Context, from string) (Page, error) {
	page, err := r.options.Store.List(ctx, key(""), store.Cursor(from))
	if err != nil {
		return Page{}, err
	}
	out := Page{Next: string(page.Next)}
	for _, item := range page.Items {
		c, err := decode(r.options.Keyring, item.Key.ID, item.Value)
		if err != nil {
			out.Unreadable = append(out.Unreadable, ref(item.Key.ID))
			continue
		}
		out.Keys = append(out.Keys, Stored{Credential: c, Etag: etag(item.Version)})
	}
	return out, nil
}

// Resealed says what Reseal did.
type Resealed struct {
	Done       int // sealed anew with the first key
	Current    int // were so already
	Unreadable int // no key of the ring opens them: left as they are
}

// Reseal moves every credential under the first key of the ring, so that older
// keys can go. It may run while the service does, and again after a failure.
func (r *Registry) Reseal(ctx context.Context) (Resealed, error) {
	var out Resealed
	for item, err := range store.All(ctx, r.options.Store, key("")) {
		if err != nil {
			return out, err
		}
		c, err := decode(r.options.Keyring, item.Key.ID, item.Value)
		if err != nil {
			out.Unreadable++
			continue
		}
		id := r.recordID(c.Session())
		if id == item.Key.ID && r.options.Keyring.Current(item.Value) {
			out.Current++
			continue
		}
		if err := r.move(ctx, item, id, c); err != nil {
			return out, err
		}
		out.Done++
	}
	return out, nil
}

// move writes a credential at its new place first, so that it can be found at
// every moment.
func (r *Registry) move(ctx context.Context, item store.Item, id string, c *Credential) error {
	on := store.Absent
	if id == item.Key.ID {
		on = item.Version
	}
	_, err := r.put(ctx, id, c, on)
	if errors.Is(err, ErrChanged) {
		return nil // changed meanwhile, and so sealed with the first key
	}
	if err != nil && !errors.Is(err, ErrExists) {
		return err
	}
	if id == item.Key.ID {
		return nil
	}
	err = r.options.Store.Delete(ctx, item.Key, item.Version)
	if errors.Is(err, store.ErrConflict) {
		// Changed at the old place meanwhile: the new place must not hide that.
		if err := r.options.Store.Delete(ctx, key(id), store.Any); err != nil {
			return err
		}
		return r.changed(ctx, id)
	}
	if err != nil {
		return err
	}
	return r.changed(ctx, item.Key.ID)
}
