package redis

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const watchBudget = 25 * time.Millisecond

// pass lets time pass in a bubble.
func pass(d time.Duration) {
	<-time.NewTimer(d).C
	synctest.Wait()
}

// late sends an errand at once and wants it to end with its budget.
func late(t *testing.T, s *Store, what string) {
	t.Helper()
	e, from := s.errand(), time.Now()
	e.due = from.Add(watchBudget)
	go func() {
		err := s.run(t.Context(), e)
		if took := time.Since(from); !errors.Is(err, context.DeadlineExceeded) || took != watchBudget {
			t.Errorf("%s: %v after %v", what, err, took)
		}
	}()
	synctest.Wait()
}

// TestWatchEndsWhatIsLate: a count ends with its own budget, whether it waits or is
// under way; what has its answer is not late; and the watch comes back for the next.
func TestWatchEndsWhatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{timeout: watchBudget}
		s.lane = &lane{store: s, flying: mostFlights}
		for range 2 {
			late(t, s, "under way")
			slow, quick := &flight{}, &flight{}
			if !s.lane.next(slow) || len(slow.batch) != 1 {
				t.Fatalf("%d go together", len(slow.batch))
			}
			pass(5 * time.Millisecond)
			answered := s.errand()
			answered.due = time.Now().Add(watchBudget)
			if s.lane.takesOff(answered) || !s.lane.next(quick) {
				t.Fatal("it does not fly with others")
			}
			late(t, s, "waits")
			pass(10 * time.Millisecond)
			late(t, s, "waits longer")
			s.lane.arrives(quick)
			pass(time.Second)
			if answered.left.Load() {
				t.Error("what has its answer was ended")
			}
			s.lane.arrives(slow)
			slow.batch[0].done <- struct{}{} // as if its caller had left by itself at that moment
			land(slow.batch, "", nil)        // … it must not hang
			if s.lane.watched || len(s.lane.aloft) != 0 {
				t.Errorf("%d aloft, watched: %v", len(s.lane.aloft), s.lane.watched)
			}
			if s.lane.next(quick) || len(s.lane.waiting) != 0 {
				t.Error("what is late is sent all the same")
			}
			s.lane.flying = mostFlights
		}
	})
}

// notKnown is what a server answers that does not know the script.
type notKnown struct{}

func (notKnown) Error() string { return "NOSCRIPT No matching script" }
func (notKnown) RedisError()   {}

// TestBudgetOfWhatIsSentAgain: a count that has to be sent again, by itself, has what
// is left of its budget.
func TestBudgetOfWhatIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := goredis.NewClient(&goredis.Options{
			Protocol: 2, DisableIdentity: true, MaxRetries: -1, ContextTimeoutEnabled: true,
			MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
			Dialer: func(context.Context, string, string) (net.Conn, error) {
				here, there := net.Pipe()
				go io.Copy(io.Discard, there) //nolint:errcheck // it listens and says nothing
				return here, nil
			},
		})
		s := &Store{timeout: watchBudget, client: client}
		s.lane = &lane{store: s, server: client, flying: mostFlights}
		e, from := s.errand(), time.Now()
		e.due = from.Add(watchBudget)
		go func() {
			if err := s.run(t.Context(), e); err == nil || time.Since(from) != watchBudget {
				t.Errorf("%v after %v", err, time.Since(from))
			}
		}()
		synctest.Wait()
		f := &flight{}
		if !s.lane.next(f) {
			t.Fatal("it does not wait")
		}
		pass(20 * time.Millisecond)
		s.lane.arrives(f)
		land(f.batch, "", notKnown{})
		pass(time.Second)
		client.Close() //nolint:errcheck // it had no answers
		pass(time.Second)
	})
}
