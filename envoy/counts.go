package envoy

import "sync/atomic"

// counters are what an Authz counts. They are read by metrics, so that a check
// pays for one addition and for nothing else.
type counters struct {
	checks, unready, undecodable, tooLarge, panics, invalid, dropped, late, canceled atomic.Uint64
	inFlight                                                                         atomic.Int64
}

// Counts says what an Authz has seen since it was made.
type Counts struct {
	Checks      uint64 // calls that reached a decision
	InFlight    int64  // calls being decided now
	Unready     uint64 // calls failed because they came before Open or after Close
	Undecodable uint64 // calls failed because the message was no CheckRequest
	TooLarge    uint64 // calls failed because the message was over the limit
	Panics      uint64 // decisions that panicked; each was answered by a denial
	Invalid     uint64 // allows that were answered by a denial because an edit may not leave
	Dropped     uint64 // header values that were removed because no header can hold them
	Late        uint64 // decisions that came after the front's deadline
	Canceled    uint64 // calls that the front gave up, mostly because its client went away
}

// Counts reads the counters.
func (a *Authz) Counts() Counts {
	c := &a.counts
	return Counts{
		Checks:      c.checks.Load(),
		InFlight:    c.inFlight.Load(),
		Unready:     c.unready.Load(),
		Undecodable: c.undecodable.Load(),
		TooLarge:    c.tooLarge.Load(),
		Panics:      c.panics.Load(),
		Invalid:     c.invalid.Load(),
		Dropped:     c.dropped.Load(),
		Late:        c.late.Load(),
		Canceled:    c.canceled.Load(),
	}
}
