package config

import (
	"context"
	"maps"
	"time"
)

// Run reloads whenever there is a reason to, until ctx is done. It is called
// once, after Start.
func (r *Reloader) Run(ctx context.Context) error {
	if r.watcher == nil {
		if w, err := newNotified(); err == nil { // without one contents are compared
			r.watcher = w
			r.watcher.watch(r.inputs.dirs())
		}
	}
	if r.watcher != nil {
		defer func() { _ = r.watcher.close() }()
	}
	l := loop{Reloader: r, poll: time.NewTicker(r.poll), still: stopped(), renew: stopped()}
	defer l.stop()
	l.renewal(ctx)
	l.notice() // what changed since Start
	for {
		select {
		case <-ctx.Done():
			return nil
		case a := <-r.asks:
			a.done <- l.attempt(ctx, a.trigger)
		case path, ok := <-l.changes():
			if !ok {
				r.watcher = nil
			} else if r.inputs.concern(path) {
				l.notice()
			}
		case <-l.poll.C:
			l.compare(ctx)
		case <-l.still.C:
			l.settle(ctx)
		case <-l.renew.C:
			l.renewal(ctx)
		}
	}
}

// loop is the state of Run.
type loop struct {
	*Reloader
	poll  *time.Ticker
	still *time.Timer // fires when files may have come to rest
	renew *time.Timer // fires when a token of a server wants to be renewed

	waiting bool      // for files to come to rest
	since   time.Time // when that began
	last    digests   // of the files when the timer was set
}

// stopped makes a timer that waits to be set.
func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func (l *loop) stop() {
	l.poll.Stop()
	l.still.Stop()
	l.renew.Stop()
}

// changes gives the channel of the watcher, nil without one.
func (l *loop) changes() <-chan string {
	if l.watcher == nil {
		return nil
	}
	return l.watcher.changes()
}

// attempt reloads now; what was waited for is covered by it.
func (l *loop) attempt(ctx context.Context, trigger Trigger) Status {
	l.waiting = false
	l.still.Stop()
	_, s := l.Reloader.attempt(ctx, trigger)
	l.renewal(ctx)
	return s
}

// compare looks for changes that nobody told of, and tries again what failed for
// a reason outside the files.
func (l *loop) compare(ctx context.Context) {
	switch {
	case l.waiting:
	case !maps.Equal(l.inputs.digests(), l.seen):
		l.notice()
	case l.again:
		l.attempt(ctx, TriggerRetry)
	}
}

// notice waits for the files to come to rest: a file may be half written.
func (l *loop) notice() {
	now := l.inputs.digests()
	if !l.waiting {
		if maps.Equal(now, l.seen) {
			return
		}
		l.waiting, l.since = true, l.loader.Now()
	}
	l.last = now
	if l.loader.Now().Sub(l.since) <= stillAtMost {
		l.still.Reset(l.Reloader.still)
	}
}

// settle reads the files when they have been at rest, or have changed for so
// long that waiting leads nowhere.
func (l *loop) settle(ctx context.Context) {
	now := l.inputs.digests()
	switch {
	case maps.Equal(now, l.seen): // they are back where they were
		l.waiting = false
	case maps.Equal(now, l.last) || l.loader.Now().Sub(l.since) > stillAtMost:
		l.attempt(ctx, TriggerFile)
	default:
		l.last = now
		l.still.Reset(l.Reloader.still)
	}
}

// renewal keeps the tokens of servers alive.
func (l *loop) renewal(ctx context.Context) {
	const limit = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	next, err := l.loader.values.renew(ctx)
	switch {
	case err != nil:
		l.renew.Reset(l.Reloader.poll)
	case !next.IsZero():
		l.renew.Reset(max(time.Second, next.Sub(l.loader.Now())))
	}
}
