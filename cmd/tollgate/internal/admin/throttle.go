package admin

import (
	"sync"
	"time"
)

// Guesses of one address: so many wrong tokens in a window, then none is looked
// at until the window is over.
const (
	guesses     = 10
	guessWindow = time.Minute
	mostGuesser = 4096 // addresses that are remembered
)

// throttle counts wrong tokens by address. It is bounded: with too many
// addresses the windows of all of them begin anew, and those who guess from so
// many addresses face 32 bytes of randomness.
type throttle struct {
	mutex sync.Mutex
	seen  map[string]*attempts
}

type attempts struct {
	wrong int
	since time.Time
}

// blocked says for how long an address is not listened to.
func (t *throttle) blocked(address string, now time.Time) time.Duration {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	a := t.seen[address]
	if a == nil || a.wrong < guesses {
		return 0
	}
	return max(a.since.Add(guessWindow).Sub(now), 0)
}

// wrong counts a wrong token.
func (t *throttle) wrong(address string, now time.Time) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	a := t.seen[address]
	if a == nil || !now.Before(a.since.Add(guessWindow)) {
		if t.seen == nil || len(t.seen) >= mostGuesser {
			t.seen = map[string]*attempts{}
		}
		a = &attempts{since: now}
		t.seen[address] = a
	}
	a.wrong++
}
