package public

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// mostAdmitted bounds the windows that are remembered.
const mostAdmitted = 65536

// inAll is how many times what one client may do an address may do in all: names
// of clients cost nothing to invent.
const inAll = 10

// admission counts requests in fixed windows.
type admission struct {
	requests int64
	per      time.Duration
	now      func() time.Time

	mutex sync.Mutex
	seen  map[[sha256.Size]byte]*window
}

type window struct {
	count int64
	ends  time.Time
}

func newAdmission(requests int64, per time.Duration, now func() time.Time) *admission {
	return &admission{requests: requests, per: per, now: now, seen: map[[sha256.Size]byte]*window{}}
}

// take admits one request of a client at an address, or says how long to wait.
func (a *admission) take(client, address string) (time.Duration, bool) {
	now := a.now()
	a.mutex.Lock()
	defer a.mutex.Unlock()
	all := a.window(network(address), now)
	one := a.window(network(address)+"\x00"+client, now) // an address has no NUL
	switch {
	case all.count >= a.requests*inAll:
		return all.ends.Sub(now), false
	case one.count >= a.requests:
		all.count++ // asking on is no way to find out which names are known
		return one.ends.Sub(now), false
	}
	all.count++
	one.count++
	return 0, true
}

func (a *admission) window(name string, now time.Time) *window {
	id := sha256.Sum256([]byte(name))
	w := a.seen[id]
	if w == nil || !now.Before(w.ends) {
		if len(a.seen) >= mostAdmitted {
			a.forget(now)
		}
		w = &window{ends: now.Add(a.per)}
		a.seen[id] = w
	}
	return w
}

// forget drops the windows that are over, and where those are few, all: who has
// that many addresses gains nothing by it.
func (a *admission) forget(now time.Time) {
	for id, w := range a.seen {
		if !now.Before(w.ends) {
			delete(a.seen, id)
		}
	}
	if len(a.seen) >= mostAdmitted/2 {
		clear(a.seen)
	}
}

// network is what counts as one address: the network of an IPv6 address that is
// given to one customer.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(64)
	if err != nil { // 64 bits are there
		return address
	}
	return prefix.String()
}

// slowDown refuses who asks too often.
func slowDown(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	fail(w, http.StatusTooManyRequests, "slow_down", "too many requests")
}
