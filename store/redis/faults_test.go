package redis_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// budget of the calls in these tests: 1,000 callers on a busy machine of two
// cores are not all scheduled within 25 ms.
const budget = 300 * time.Millisecond

const recovery = 5 * time.Second

func long() bool { return os.Getenv("TOLLGATE_LONG") == "1" }

// TestServerGoesAway lets a server stop answering in several ways under the load
// of 1,000 callers.
func TestServerGoesAway(t *testing.T) {
	faults := []struct {
		name string
		away func(t *testing.T, r *storetest.Redis)
		back func(t *testing.T, r *storetest.Redis)
	}{
		{"stopped", func(t *testing.T, r *storetest.Redis) { r.Stop(t) }, func(t *testing.T, r *storetest.Redis) { r.Continue(t) }},
		{
			"paused",
			func(t *testing.T, r *storetest.Redis) { r.Do(t, "CLIENT", "PAUSE", "2000", "ALL") },
			func(t *testing.T, r *storetest.Redis) { r.Do(t, "PING") }, // answered when the pause is over
		},
		{
			"killed",
			func(_ *testing.T, r *storetest.Redis) { r.Kill() },
			func(t *testing.T, r *storetest.Redis) { r.Restart(t) },
		},
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			settings := []string{}
			if f.name == "killed" {
				// What was answered is with the kernel, which is not killed.
				settings = []string{"--appendonly", "yes", "--appendfsync", "no"}
			}
			r := storetest.StartRedis(t, storetest.RedisBinary(t), settings...)
			var opened, closed atomic.Int64
			s := open(t, r.URL(), func(o *redis.Options) {
				o.Timeout = budget
				o.Hooks.Breaker = func(_ string, open bool) {
					if open {
						opened.Add(1)
					} else {
						closed.Add(1)
					}
				}
			})
			l := startLoad(t, s, 1000, budget)
			l.awaitAnswers(3000)
			f.away(t, r)
			l.awaitRefusals(3000)
			f.back(t, r)
			l.recovered(time.Now(), recovery)
			l.end()
			storetest.Eventually(t, recovery, func() error {
				if opened.Load() == 0 || opened.Load() != closed.Load() {
					return fmt.Errorf("the breaker opened %d times and closed %d times", opened.Load(), closed.Load())
				}
				return nil
			})
			if f.name == "killed" {
				return // its counts are gone with it; the counts of the callers have been compared
			}
			// A refused write has been executed once or not at all.
			executed := r.Calls(t, "set")
			if most := int(l.puts.Load()); executed > most {
				t.Errorf("%d writes executed of %d that were asked for", executed, most)
			}
		})
	}
}

// TestNothingListens: refused connections are refused calls, at once.
func TestNothingListens(t *testing.T) {
	port := storetest.FreePorts(t, 1)[0]
	s := open(t, fmt.Sprintf("redis://127.0.0.1:%d", port), func(o *redis.Options) { o.Timeout = budget })
	for range 30 {
		_, err := s.Get(t.Context(), cred("a"))
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ping: %v", err)
	}
}

func TestOutOfMemory(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t), "--maxmemory", "8mb", "--maxmemory-policy", "noeviction")
	s := open(t, r.URL())
	value := make([]byte, 100<<10)
	written := 0
	var err error
	for ; err == nil && written < 200; written++ {
		_, err = s.Put(t.Context(), cred(fmt.Sprint(written)), value, store.Write{})
	}
	if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("after %d writes: %v", written, err)
	}
	for i := range written - 1 {
		if _, err := s.Get(t.Context(), cred(fmt.Sprint(i))); err != nil {
			t.Errorf("record %d while there is no memory: %v", i, err)
		}
	}
	if err := s.Delete(t.Context(), cred("0"), store.Any); err != nil {
		t.Errorf("delete while there is no memory: %v", err)
	}
	r.Do(t, "CONFIG", "SET", "maxmemory", "100mb")
	if _, err := s.Put(t.Context(), cred("again"), value, store.Write{}); err != nil {
		t.Errorf("with memory again: %v", err)
	}
}

// TestFlushed loses everything under way: records are gone, followers are told
// of the gap, nothing else breaks.
func TestFlushed(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	put := func(id string) {
		t.Helper()
		if _, err := s.Put(t.Context(), cred(id), []byte("v"), store.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	put("a")
	head, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	followed := make(chan error, 1)
	contact := make(chan time.Time, 100)
	go func() { followed <- s.Subscribe(t.Context(), head, contacts(contact)) }()
	<-contact
	r.Do(t, "SCRIPT", "FLUSH")
	put("b")
	r.Do(t, "FLUSHALL")
	if _, err := s.Get(t.Context(), cred("a")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get after flush: %v", err)
	}
	put("c")
	page, err := s.List(t.Context(), cred(""), "")
	if err != nil || len(page.Items) != 1 {
		t.Errorf("%d listed after flush (%v)", len(page.Items), err)
	}
	if err := <-followed; !errors.Is(err, store.ErrGap) {
		t.Errorf("the follower of a flushed feed: %v", err)
	}
	// The source of a script is sent again after each SCRIPT FLUSH, for the one
	// command only.
	before := r.Errors(t, "NOSCRIPT")
	for i := range 20 {
		r.Do(t, "SCRIPT", "FLUSH")
		put(fmt.Sprint(i))
	}
	if n := r.Errors(t, "NOSCRIPT") - before; n != 20 {
		t.Errorf("%d NOSCRIPT for 20 flushed scripts", n)
	}
}

// contacts is a follower that passes on when it had contact.
type contacts chan time.Time

func (contacts) Event(store.Event) {}

func (c contacts) Contact(at time.Time) {
	select {
	case c <- at:
	default:
	}
}

// TestBudget asks a server that does not answer, with the budget that a check
// has. One caller is not held up by others; the machine may hold it up.
func TestBudget(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL(), func(o *redis.Options) { o.Timeout = 0 })
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	r.Stop(t)
	defer r.Continue(t)
	l := startLoad(t, s, 4, 25*time.Millisecond)
	l.awaitRefusals(200)
	l.end()
}

// TestWrongPassword: the call is refused and says why, without the password. A
// password that is exchanged on both sides is taken for the next connection.
func TestWrongPassword(t *testing.T) {
	const wrong, right = "not-the-one", "the-right-one"
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	r.Do(t, "ACL", "SETUSER", "tollgate", "on", ">"+right, "~tollgate:*", "+@all")
	var password atomic.Pointer[string]
	set := func(p string) { password.Store(&p) }
	set(wrong)
	s := open(t, r.URL(), func(o *redis.Options) {
		o.Credentials = func() (string, string, error) {
			if *password.Load() == "" {
				return "", "", errors.New("the file of the password is gone")
			}
			return "tollgate", *password.Load(), nil
		}
	})
	refused := func(want string) {
		t.Helper()
		storetest.Eventually(t, recovery, func() error {
			_, err := s.Get(t.Context(), cred("a"))
			if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), wrong) || strings.Contains(err.Error(), right) {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), want) {
				return err
			}
			return nil
		})
	}
	refused("WRONGPASS")
	set("")
	refused("the file of the password is gone")
	set(right)
	storetest.Eventually(t, recovery, func() error {
		_, err := s.Put(t.Context(), cred("a"), []byte("v"), store.Write{})
		return err
	})
	// Not for keys of others, whatever the user may.
	r.Do(t, "ACL", "SETUSER", "tollgate", "resetkeys", "~other:*")
	refused("NOPERM")
}

// TestRepliesNeverCross: many callers read and count their own records while
// their connections are killed under them. Whoever reads another's record fails.
func TestRepliesNeverCross(t *testing.T) {
	d := 3 * time.Second
	if long() {
		d = time.Minute
	}
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL(), func(o *redis.Options) { o.Timeout = patient })
	l := startLoad(t, s, 1000, patient)
	l.awaitAnswers(1000)
	over := time.NewTimer(d)
	defer over.Stop()
	kill := time.NewTicker(5 * time.Millisecond)
	defer kill.Stop()
	killed := 0
	rand := rand.New(rand.NewPCG(1, 2))
	for running := true; running; {
		select {
		case <-over.C:
			running = false
		case <-kill.C:
			killed += killSome(t, r, rand)
		}
	}
	l.recovered(time.Now(), recovery)
	l.end()
	t.Logf("%d connections killed", killed)
	if killed < 100 || l.refused.Load() == 0 {
		t.Error("the test did not test: no call was hit")
	}
}

// killSome kills a few of the connections that are at work.
func killSome(t *testing.T, r *storetest.Redis, rand *rand.Rand) int {
	t.Helper()
	var ids []string
	for line := range strings.Lines(r.Text(t, "CLIENT", "LIST", "TYPE", "normal")) {
		if id, ok := strings.CutPrefix(strings.Fields(line)[0], "id="); ok {
			ids = append(ids, id)
		}
	}
	killed := 0
	for range 3 {
		n, _ := r.Do(t, "CLIENT", "KILL", "ID", ids[rand.IntN(len(ids))]).(int64)
		killed += int(n)
	}
	return killed
}
