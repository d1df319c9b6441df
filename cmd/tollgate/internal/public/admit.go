package public

import (
	"crypto/sha256"
	"sync"
	"time"
)

// mostAdmitted bounds the pairs of client and address that are remembered; over
// it those go first whose window is over.
const mostAdmitted = 65536

// admission counts token requests of each client at each address in fixed
// windows.
type admission struct {
	requests int64
	per      time.Duration

	mutex sync.Mutex
	seen  map[[sha256.Size]byte]*window
}

type window struct {
	count int64
	ends  time.Time
}

func newAdmission(requests int64, per time.Duration) *admission {
	return &admission{requests: requests, per: per, seen: map[[sha256.Size]byte]*window{}}
}

// take admits one request, or says how long to wait.
func (a *admission) take(client, address string, now time.Time) (time.Duration, bool) {
	id := sha256.Sum256([]byte(address + "\x00" + client)) // an address has no NUL
	a.mutex.Lock()
	defer a.mutex.Unlock()
	w := a.seen[id]
	if w == nil || !now.Before(w.ends) {
		if len(a.seen) >= mostAdmitted {
			a.forget(now)
		}
		w = &window{ends: now.Add(a.per)}
		a.seen[id] = w
	}
	if w.count >= a.requests {
		return w.ends.Sub(now), false
	}
	w.count++
	return 0, true
}

func (a *admission) forget(now time.Time) {
	for id, w := range a.seen {
		if !now.Before(w.ends) {
			delete(a.seen, id)
		}
	}
	if len(a.seen) >= mostAdmitted {
		clear(a.seen)
	}
}
