package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Ring is a feed inside this process: its newest FeedLength events. Positions
// of an earlier process are unknown to it, so a follower that kept one is sent
// back to the records.
type Ring struct {
	epoch string
	now   func() time.Time

	mu     sync.Mutex
	events []Event       // of sequence numbers first+1 … first+len
	first  uint64        // how many events have gone
	more   chan struct{} // closed at the next event
	over   bool
	ended  chan struct{} // closed by Close
}

// NewRing makes an empty feed.
func NewRing(now func() time.Time) *Ring {
	return &Ring{epoch: rand.Text()[:8], now: now, more: make(chan struct{}), ended: make(chan struct{})}
}

// Publish appends an event.
func (r *Ring) Publish(topic string, payload []byte) (Position, error) {
	e := Event{Topic: topic, Payload: append([]byte(nil), payload...)}
	if err := e.Check(); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At = r.position(r.first + uint64(len(r.events)) + 1)
	r.events = append(r.events, e)
	// A quarter more than promised is kept, so that moving is rare.
	if extra := len(r.events) - FeedLength; extra > FeedLength/4 {
		r.events = append(r.events[:0:0], r.events[extra:]...)
		r.first += uint64(extra)
	}
	close(r.more)
	r.more = make(chan struct{})
	return e.At, nil
}

// Head is the position of the newest event.
func (r *Ring) Head() Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.position(r.first + uint64(len(r.events)))
}

// Close ends every subscription with ErrUnavailable.
func (r *Ring) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.over = true
		close(r.ended)
	}
}

// Subscribe tells f of everything after from until ctx ends.
func (r *Ring) Subscribe(ctx context.Context, from Position, f Follower) error {
	seq, err := r.sequence(from)
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		at := r.now()
		events, more, err := r.after(seq)
		if err != nil {
			return err
		}
		for _, e := range events {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.Event(Event{At: e.At, Topic: e.Topic, Payload: append([]byte(nil), e.Payload...)})
		}
		seq += uint64(len(events))
		f.Contact(at)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ended:
			return fmt.Errorf("%w: closed", ErrUnavailable)
		case <-more:
		case <-tick.C:
		}
	}
}

// after are the events that follow a sequence number, and what is closed when
// there are more.
func (r *Ring) after(seq uint64) ([]Event, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq < r.first || seq > r.first+uint64(len(r.events)) {
		return nil, nil, ErrGap
	}
	return r.events[seq-r.first : len(r.events) : len(r.events)], r.more, nil
}

func (r *Ring) position(seq uint64) Position {
	return Position(r.epoch + "-" + strconv.FormatUint(seq, 10))
}

func (r *Ring) sequence(p Position) (uint64, error) {
	epoch, text, ok := strings.Cut(string(p), "-")
	if !ok {
		return 0, fmt.Errorf("%w: position in the feed", ErrInvalid)
	}
	if epoch != r.epoch {
		return 0, ErrGap
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: position in the feed", ErrInvalid)
	}
	return seq, nil
}
