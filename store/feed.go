package store

import (
	"context"
	"fmt"
	"time"
)

// FeedLength is how many events a feed keeps at least before the oldest go.
const FeedLength = 16384

// Position is a place in the feed. It means something only to the backend that
// gave it; "" is no position.
type Position string

// Event is one change that every replica should hear of.
type Event struct {
	At      Position
	Topic   string
	Payload []byte
}

// Check answers ErrInvalid for an event that no backend takes.
func (e Event) Check() error {
	if len(e.Topic) == 0 || len(e.Topic) > MaxTopic {
		return fmt.Errorf("%w: event topic of %d bytes", ErrInvalid, len(e.Topic))
	}
	if len(e.Payload) > MaxEvent {
		return fmt.Errorf("%w: event payload of %d bytes", ErrInvalid, len(e.Payload))
	}
	return nil
}

// Follower is told what a subscription sees, from one goroutine. Its methods
// must not block for long.
type Follower interface {
	// Event is called for every event after the position, in order, none twice
	// and none left out.
	Event(Event)
	// Contact says that everything that had been published by then has been
	// seen. It is called about once a second while the store answers, so an
	// old contact is a stale feed.
	Contact(at time.Time)
}

// Feed spreads changes to all replicas: ordered, kept for a while, replayed
// after a disconnect.
type Feed interface {
	// Publish appends an event and answers its position.
	Publish(ctx context.Context, topic string, payload []byte) (Position, error)
	// Head is the position of the newest event. To follow a state kept in
	// records: Head, then List, then Subscribe from that head.
	Head(ctx context.Context) (Position, error)
	// Subscribe tells f of everything after from until ctx ends. It reconnects
	// by itself, as long as it takes, and returns the error of ctx or ErrGap.
	Subscribe(ctx context.Context, from Position, f Follower) error
}
