package redis

import (
	"slices"
	"time"
)

// watchRest is how long the watch rests at least.
const watchRest = time.Millisecond

// lookIn sets the watch, under the lock. It ends the counts whose budget is over,
// waiting or under way: one clock for all of a lane, as a timer for each would cost
// more than everything else that a count does here.
func (l *lane) lookIn(d time.Duration) {
	if l.watch == nil {
		l.watch = time.AfterFunc(d, l.look)
		return
	}
	l.watch.Reset(d)
}

// look ends what is late and comes back for what is not.
func (l *lane) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	first := l.endLate(l.waiting, now, time.Time{})
	for _, f := range l.aloft {
		first = l.endLate(f.batch, now, first)
	}
	if l.watched = !first.IsZero(); l.watched {
		l.lookIn(max(first.Sub(now), watchRest))
	}
}

// endLate ends what is late and tells what will be late first.
func (l *lane) endLate(errands []*errand, now, first time.Time) time.Time {
	for _, e := range errands {
		switch {
		case !now.Before(e.due):
			if e.left.CompareAndSwap(false, true) {
				e.done <- struct{}{}
			}
		case !e.left.Load() && (first.IsZero() || e.due.Before(first)):
			first = e.due
		}
	}
	return first
}

// arrives takes a flight out of the sight of the watch: it has its answers.
func (l *lane) arrives(f *flight) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.aloft = slices.DeleteFunc(l.aloft, func(other *flight) bool { return other == f })
}
