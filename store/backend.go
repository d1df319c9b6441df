package store

import (
	"context"
	"time"
)

// Backend is a store of all roles.
type Backend interface {
	KV
	Feed
	Counter
	// Ping says whether the store answers now.
	Ping(ctx context.Context) error
	// Close gives everything back. Calls in flight and after it answer
	// ErrUnavailable.
	Close() error
}

// Hooks are how a backend tells of itself, for metrics and logs. They must not
// block. Nil fields are not called.
type Hooks struct {
	// Unreadable: a stored record was not ours, damaged or of a newer format
	// and was served as a miss. It was left where it is.
	Unreadable func(kind Kind)
	// Call: one call to a store outside the process has ended.
	Call func(op string, took time.Duration, err error)
	// Commit: one group of writes has been made durable (or not).
	Commit func(writes int, took time.Duration, err error)
	// Breaker: calls to that shard are no longer tried, or are tried again.
	Breaker func(shard string, open bool)
}

// Filled is the same with nothing nil, for backends.
func (h Hooks) Filled() Hooks {
	if h.Unreadable == nil {
		h.Unreadable = func(Kind) {}
	}
	if h.Call == nil {
		h.Call = func(string, time.Duration, error) {}
	}
	if h.Commit == nil {
		h.Commit = func(int, time.Duration, error) {}
	}
	if h.Breaker == nil {
		h.Breaker = func(string, bool) {}
	}
	return h
}
