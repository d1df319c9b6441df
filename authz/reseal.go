package authz

import "context"

// Resealed says what Reseal did with one kind of record.
type Resealed struct {
	Kind                      string
	Done, Current, Unreadable int
}

// Reseal seals everything that the server can open alone, credentials and
// revocations, with the first key of the ring. Split tokens are not among it:
// their keys come from halves that only clients hold, so an old key is kept for
// split.max_ttl after the rotation.
func (k *Kept) Reseal(ctx context.Context) ([]Resealed, error) {
	keys, err := k.keys.Reseal(ctx)
	out := []Resealed{{"credentials", keys.Done, keys.Current, keys.Unreadable}}
	if err != nil {
		return out, err
	}
	rules, err := k.revoked.Reseal(ctx)
	return append(out, Resealed{"revocations", rules.Done, rules.Current, rules.Unreadable}), err
}
