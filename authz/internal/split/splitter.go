package split

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// Topic is the topic of the feed under which ended halves are told. The payload
// is the id of the record.
const Topic = "split"

// Errors of Restore and Store. Others are those of package store.
var (
	ErrNoToken  = errors.New("no token belongs to this half")
	ErrRefused  = errors.New("this token cannot be split")
	ErrDuration = errors.New("this token has ended or has no end")
)

// Options is what a Splitter is made of.
type Options struct {
	Store      Backend
	Keyring    *seal.Keyring
	CacheBytes int64            // restored tokens; 0 is off
	MaxToken   int              // bytes of a whole token; 0 is jws.DefaultMaxBytes
	Budget     time.Duration    // of one look-up; 0 is 25ms
	Now        func() time.Time // nil: time.Now
}

// Backend is what a Splitter needs of a store.
type Backend interface {
	store.KV
	Publish(ctx context.Context, topic string, payload []byte) (store.Position, error)
}

// Splitter stores and restores tokens. It is safe for concurrent use.
type Splitter struct {
	options Options
	memory  *recall
	flight  singleflight.Group
}

// New makes a Splitter.
func New(o Options) *Splitter {
	if o.MaxToken <= 0 {
		o.MaxToken = jws.DefaultMaxBytes
	}
	if o.Budget <= 0 {
		o.Budget = 25 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Splitter{options: o, memory: newRecall(o.CacheBytes)}
}

// Store keeps a token that has been verified until expires and gives the half
// for its client. Storing the same token again keeps the longer time. It
// returns only when the store has acknowledged.
func (s *Splitter) Store(ctx context.Context, token *jws.Token, expires time.Time) (string, error) {
	signature := token.Signature()
	if len(signature) < minSignature {
		return "", fmt.Errorf("%w: its signature is too short to be a secret", ErrRefused)
	}
	if !expires.After(s.options.Now()) {
		return "", ErrDuration
	}
	text := glue("", signature)[1:]
	if _, err := half(text); err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	p := placeOf(s.options.Keyring.Derive(purpose, signature))
	record, err := p.seal(token.Signed(), expires)
	if err != nil {
		return "", err
	}
	if err := s.put(ctx, p, record, expires); err != nil {
		return "", err
	}
	s.memory.revive(p.id)
	s.memory.forgetMiss(digestOf(text))
	return text, nil
}

// put writes a record unless one that lasts as long is there.
func (s *Splitter) put(ctx context.Context, p place, record []byte, expires time.Time) error {
	write := store.Write{If: store.Absent, Expires: expires}
	for range 4 { // someone else stores or deletes the same token at the same time
		_, err := s.options.Store.Put(ctx, p.key(), record, write)
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		there, err := s.options.Store.Get(ctx, p.key())
		switch {
		case errors.Is(err, store.ErrNotFound):
			write.If = store.Absent
			continue
		case err != nil:
			return err
		}
		_, until, err := p.open(there.Value, s.options.MaxToken)
		if err == nil && !until.Before(expires.Truncate(time.Millisecond)) {
			return nil
		}
		write.If = there.Version
	}
	return fmt.Errorf("%w: the record keeps changing", store.ErrUnavailable)
}

// Restore gives the whole token of a half: ErrHalf for what cannot be one,
// ErrNoToken when none is stored. The token is not verified.
func (s *Splitter) Restore(ctx context.Context, text string) (*Whole, error) {
	if len(text) < minHalf || len(text) > maxHalf {
		return nil, ErrHalf
	}
	d := digestOf(text)
	if whole, err := s.remembered(d); whole != nil || err != nil {
		return whole, err
	}
	return s.fetch(ctx, d, text)
}

// remembered is what this replica knows of a half; nil and nil is nothing.
func (s *Splitter) remembered(d digest) (*Whole, error) {
	o, found, missed := s.memory.find(d, s.options.Now())
	switch {
	case found:
		return o.whole, nil
	case missed:
		return nil, ErrNoToken
	}
	return nil, nil //nolint:nilnil // neither a token nor a miss
}

// fetch asks the store, once for all who present a half now.
func (s *Splitter) fetch(ctx context.Context, d digest, text string) (*Whole, error) {
	signature, err := half(text)
	if err != nil {
		return nil, err
	}
	// The look-up is shared by all who present this half now, so it must not
	// end with the first of them. Nobody waits for longer than its budget.
	result, err, _ := s.flight.Do(string(d[:]), func() (any, error) {
		// Another look-up may have ended since this caller found nothing.
		if whole, err := s.remembered(d); whole != nil || err != nil {
			return whole, err
		}
		return s.lookUp(context.WithoutCancel(ctx), d, signature)
	})
	if err != nil {
		return nil, err
	}
	return result.(*Whole), nil //nolint:forcetypeassert // look-ups give nothing else
}

// found is what one seal key's place gave.
type found struct {
	place   place
	signed  string
	expires time.Time
	err     error
}

// lookUp asks the places of all seal keys at once: one round trip in time.
func (s *Splitter) lookUp(ctx context.Context, d digest, signature []byte) (*Whole, error) {
	asked := s.options.Keyring.Len()
	results := make(chan found, asked)
	for derived := range s.options.Keyring.Derivations(purpose, signature) {
		if asked == 1 {
			results <- s.read(ctx, placeOf(derived))
			break
		}
		go func() { results <- s.read(ctx, placeOf(derived)) }()
	}
	var failure error
	for range asked {
		switch f := <-results; {
		case f.err == nil:
			whole := NewWhole(glue(f.signed, signature))
			s.memory.keep(d, opened{whole: whole, id: f.place.id, expires: f.expires}, s.options.Now())
			return whole, nil
		case !errors.Is(f.err, ErrNoToken):
			failure = f.err
		}
	}
	if failure != nil {
		return nil, failure
	}
	s.memory.keepMiss(d, s.options.Now())
	return nil, ErrNoToken
}

// read asks one place. The budget is its own: what is found elsewhere first does
// not cut it short, which would look like a store that does not answer.
func (s *Splitter) read(ctx context.Context, p place) found {
	ctx, cancel := context.WithTimeout(ctx, s.options.Budget)
	defer cancel()
	record, err := s.options.Store.Get(ctx, p.key())
	if errors.Is(err, store.ErrNotFound) {
		return found{err: ErrNoToken}
	}
	if err != nil {
		return found{err: err}
	}
	signed, expires, err := p.open(record.Value, s.options.MaxToken)
	if err != nil || !s.options.Now().Before(expires) || s.memory.hasEnded(p.id) {
		// What cannot be opened is as good as not there: a client could not mend it.
		return found{err: ErrNoToken}
	}
	return found{place: p, signed: signed, expires: expires}
}

// End deletes what belongs to a half on every replica and says whether there
// was something.
func (s *Splitter) End(ctx context.Context, text string) (bool, error) {
	signature, err := half(text)
	if err != nil {
		return false, err
	}
	ended := false
	for derived := range s.options.Keyring.Derivations(purpose, signature) {
		p := placeOf(derived)
		_, err := s.options.Store.Get(ctx, p.key())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return ended, err
		}
		// Told before it is done: whoever sees an error here asks again, and the
		// record must still be there to be found then.
		if _, err := s.options.Store.Publish(ctx, Topic, p.id[:]); err != nil {
			return ended, err
		}
		s.memory.end(p.id, s.options.Now())
		if err := s.options.Store.Delete(ctx, p.key(), store.Any); err != nil {
			return ended, err
		}
		ended = true
	}
	return ended, nil
}

// Ended takes one event of the feed: another replica has ended a half.
func (s *Splitter) Ended(payload []byte) {
	if len(payload) == 32 {
		s.memory.end([32]byte(payload), s.options.Now())
	}
}

// Forget empties what this replica remembers: after a gap in the feed.
func (s *Splitter) Forget() {
	if s.memory.open != nil {
		s.memory.open.InvalidateAll()
	}
}
