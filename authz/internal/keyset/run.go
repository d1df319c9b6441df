package keyset

import (
	"context"
	"time"
)

// run fetches at once, then whenever the schedule or an unknown kid asks for it,
// until ctx ends. Fetches have no other context: no request can cancel one.
func (r *Remote) run(ctx context.Context) {
	defer r.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for first := true; ; first = false {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
		r.takeOff()
		o := r.fetch(ctx)
		if ctx.Err() != nil {
			return
		}
		timer.Reset(r.land(&o))
		if first {
			close(r.tried)
		}
		if r.fetched != nil {
			r.fetched(o.Fetch)
		}
	}
}

// takeOff begins a flight where the schedule asked for it; one that a token
// asked for has begun already.
func (r *Remote) takeOff() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == nil {
		r.begin(r.now())
	}
	select {
	case <-r.wake: // token and schedule at the same moment: one fetch
	default:
	}
	r.stats.fetches++
}

// end lets nobody wait for a set that has stopped. Keys at hand stay for whoever
// still holds it.
func (r *Remote) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	if r.flight != nil {
		close(r.flight.done)
		r.flight = nil
	}
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.stats.nextRefresh = time.Time{}
	select {
	case <-r.tried:
	default:
		close(r.tried)
	}
}

// outcome is the result of one fetch.
type outcome struct {
	Fetch
	answer  answer
	address string
	entries []entry // unless Changed is false
}

// fetch asks the provider and reads what it says.
func (r *Remote) fetch(ctx context.Context) outcome {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	started := r.now()
	o := outcome{Fetch: Fetch{Source: r.source}}
	o.Err = r.download(ctx, &o)
	o.Took = r.now().Sub(started)
	if o.Err != nil {
		r.found = discovery{}
	}
	return o
}

func (r *Remote) download(ctx context.Context, o *outcome) error {
	client, err := r.options.client(r.dial)
	if err != nil {
		return err
	}
	if o.address, err = r.locate(ctx, client); err != nil {
		return err
	}
	known := r.last
	if known.address != o.address {
		known = loaded{}
	}
	if o.answer, err = get(ctx, client, o.address, known.etag); err != nil {
		return err
	}
	if o.answer.same || known.index != nil && o.answer.body == known.body {
		return nil
	}
	o.Changed = true
	o.entries, err = readSet(o.answer.body, r.binding())
	return err
}
