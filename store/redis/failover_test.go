package redis_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// follower subscribes as a replica of tollgate does: after a gap it begins anew
// from the head.
type follower struct {
	seen     chan string
	gaps     atomic.Int64
	contacts atomic.Int64
}

func (f *follower) Event(e store.Event) { f.seen <- string(e.Payload) }

func (f *follower) Contact(time.Time) { f.contacts.Add(1) }

func follow(t *testing.T, s *redis.Store) *follower {
	t.Helper()
	f := &follower{seen: make(chan string, 1000)}
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			err := s.Subscribe(t.Context(), head, f)
			if !errors.Is(err, store.ErrGap) {
				return
			}
			f.gaps.Add(1)
			for err = errors.New("no head"); err != nil && t.Context().Err() == nil; {
				head, err = s.Head(t.Context())
			}
		}
	}()
	storetest.Eventually(t, recovery, func() error {
		if f.contacts.Load() == 0 {
			return errors.New("no contact")
		}
		return nil
	})
	return f
}

// hears publishes until the follower hears of it: an event published before the
// follower has found its feed again is told of later, or was a gap.
func (f *follower) hears(t *testing.T, s *redis.Store, what string) {
	t.Helper()
	n := 0
	storetest.Eventually(t, 30*time.Second, func() error {
		n++
		if _, err := s.Publish(t.Context(), "t", fmt.Appendf(nil, "%s %d", what, n)); err != nil {
			return err
		}
		wait := time.NewTimer(time.Second)
		defer wait.Stop()
		for {
			select {
			case got := <-f.seen:
				if got == fmt.Sprintf("%s %d", what, n) {
					return nil
				}
			case <-wait.C:
				return errors.New("not heard")
			}
		}
	})
}

func TestSentinelFailover(t *testing.T) {
	c := storetest.StartSentinels(t, storetest.RedisBinary(t))
	s := open(t, c.URL(), func(o *redis.Options) { o.Timeout = budget })
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	f := follow(t, s)
	f.hears(t, s, "before")
	l := startLoad(t, s, 100, budget)
	l.awaitAnswers(1000)
	old := c.Master(t)
	l.lossy.Store(true)
	old.Kill()
	l.awaitRefusals(1)
	c.AwaitFailover(t, old)
	l.recovered(time.Now(), recovery)
	f.hears(t, s, "after")
	if long() { // the sentinels take their time to make the old master a replica
		old.Restart(t)
		storetest.Eventually(t, time.Minute, func() error {
			if old.Info(t, "role") != "slave" {
				return errors.New("not yet a replica")
			}
			return nil
		})
		l.awaitAnswers(1000)
	}
	l.end()
}

// TestReadOnlyReplica: the address of a replica is a store that can not be
// used, and says why.
func TestReadOnlyReplica(t *testing.T) {
	c := storetest.StartSentinels(t, storetest.RedisBinary(t))
	s := open(t, c.Nodes[1].URL())
	_, err := s.Put(t.Context(), cred("a"), nil, store.Write{})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	wantFinding(t, s, store.Problem, "is a replica")
}

// TestClusterMoves moves slots under load, and kills a primary: callers see
// their own counts, never one twice; what is redirected is answered.
func TestClusterMoves(t *testing.T) {
	c := storetest.StartCluster(t, storetest.RedisBinary(t))
	s := open(t, c.URL(), func(o *redis.Options) { o.Timeout = budget })
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	f := follow(t, s)
	l := startLoad(t, s, 200, budget)
	l.awaitAnswers(2000)
	published := publishMany(t, s)
	rounds, r := 10, rand.New(rand.NewPCG(3, 4))
	if long() {
		rounds = 500
	}
	primaries := c.Primaries(t)
	for range rounds {
		for _, node := range primaries {
			killSome(t, node, r)
		}
	}
	names := store.Layout{Prefix: "tollgate"}
	for i := range 6 {
		key := cred(fmt.Sprintf("caller %d", 2*i))
		if i%2 == 1 {
			key = split(fmt.Sprintf("caller %d", 2*i+1))
		}
		m := c.Migrate(t, c.Slot(t, names.Name(key)))
		l.awaitAnswers(200)
		m.Move(t, 1)
		l.awaitAnswers(200)
		m.Finish(t)
		l.awaitAnswers(200)
	}
	m := c.Migrate(t, c.Slot(t, names.Stream()))
	m.Finish(t)
	f.hears(t, s, "moved")
	if moved, asked := c.Errors(t, "MOVED"), c.Errors(t, "ASK"); moved == 0 || asked == 0 {
		t.Errorf("%d MOVED and %d ASK: the test did not test", moved, asked)
	} else {
		t.Logf("%d MOVED, %d ASK", moved, asked)
	}

	down := c.Errors(t, "CLUSTERDOWN")
	victim := c.Owner(t, c.Slot(t, names.Stream()))
	l.lossy.Store(true)
	victim.Kill()
	l.awaitRefusals(50)
	storetest.Eventually(t, time.Minute, func() error {
		if n := len(c.Primaries(t)); n != 3 {
			return fmt.Errorf("%d primaries", n)
		}
		return nil
	})
	l.recovered(time.Now(), recovery)
	f.hears(t, s, "failed over")
	if n := c.Errors(t, "CLUSTERDOWN") - down; n == 0 {
		t.Error("no CLUSTERDOWN: the test did not test")
	} else {
		t.Logf("%d CLUSTERDOWN, %d gaps of the feed", n, f.gaps.Load())
	}
	l.end()
	published(c.Owner(t, c.Slot(t, names.Stream())), names.Stream())
}

// publishMany publishes events, each once, until the function is called that it
// answers: that one says whether any of them is in the feed twice.
func publishMany(t *testing.T, s *redis.Store) func(owner *storetest.Redis, stream string) {
	stop := make(chan struct{})
	var publishing sync.WaitGroup
	var acknowledged, refused atomic.Int64
	for p := range 4 {
		publishing.Go(func() {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				if _, err := s.Publish(t.Context(), "once", fmt.Appendf(nil, "once %d %d", p, i)); err == nil {
					acknowledged.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	return func(owner *storetest.Redis, stream string) {
		t.Helper()
		close(stop)
		publishing.Wait()
		entries, _ := owner.Do(t, "XRANGE", stream, "-", "+").([]any)
		times := make(map[string]int)
		for _, e := range entries {
			if text := fmt.Sprint(e); strings.Contains(text, "once ") {
				_, payload, _ := strings.Cut(text, " p ")
				times[payload]++
			}
		}
		for payload, n := range times {
			if n > 1 {
				t.Errorf("%s is in the feed %d times", payload, n)
			}
		}
		t.Logf("%d publications acknowledged, %d refused, %d events", acknowledged.Load(), refused.Load(), len(times))
		if refused.Load() == 0 || len(times) < 100 {
			t.Error("the test did not test")
		}
	}
}
