package e2e

import (
	"testing"
	"time"
)

// deadline paces a loop that asks whether something has happened, and ends the
// test when it has not for too long.
type deadline struct {
	t      *testing.T
	ticker *time.Ticker
	timer  *time.Timer
}

func newDeadline(t *testing.T) *deadline {
	t.Helper()
	d := &deadline{t: t, ticker: time.NewTicker(20 * time.Millisecond), timer: time.NewTimer(startup)}
	t.Cleanup(func() {
		d.ticker.Stop()
		d.timer.Stop()
	})
	return d
}

// wait returns at the next look.
func (d *deadline) wait(what string) {
	d.t.Helper()
	select {
	case <-d.ticker.C:
	case <-d.timer.C:
		d.t.Fatalf("waited too long for %s", what)
	}
}
