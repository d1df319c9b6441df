package redis

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// How counts travel together: so many pipelines of one server are under way at
// once, each of so many counts.
const (
	mostFlights = 2
	mostBatched = 128
)

// errand is one count on its way. Errands are used again, but for those that
// nobody waits for any more: their flight may still write to them.
type errand struct {
	args  [7]any    // EVALSHA, hash, number of keys, keys, requests
	texts [4]string // the keys and requests, which args points to
	keys  int
	timer *time.Timer

	answer string
	err    error
	alone  bool // it was not executed: send it by itself

	left atomic.Bool   // nobody waits for it any more
	done chan struct{} // has room for the one word that it is done
}

// firstKey is where the keys of an EVALSHA begin.
const firstKey = 3

func (s *Store) errand(keys int) *errand {
	e, ok := s.errands.Get().(*errand)
	if !ok {
		e = &errand{done: make(chan struct{}, 1)}
	}
	e.args[0], e.args[1], e.args[2] = "evalsha", s.countHash, "1"
	if e.keys = keys; keys == 2 {
		e.args[2] = "2"
	}
	e.answer, e.err, e.alone = "", nil, false
	return e
}

// put gives the ith key and what is asked of it.
func (e *errand) put(i int, key, request string) {
	e.texts[i], e.texts[e.keys+i] = key, request
	e.args[firstKey+i], e.args[firstKey+e.keys+i] = &e.texts[i], &e.texts[e.keys+i]
}

func (e *errand) command(ctx context.Context) *goredis.Cmd {
	return goredis.NewCmd(ctx, e.args[:firstKey+2*e.keys]...)
}

// lane is the way of counts to one server. A count that finds it free goes alone
// and at once. Those that come while others are under way go together, as one
// pipeline, as soon as one of them is back: nobody waits for company.
type lane struct {
	store  *Store
	server *goredis.Client

	mu      sync.Mutex
	flying  int
	waiting []*errand
}

// send runs an errand within the budget and gives its answer.
func (s *Store) send(ctx context.Context, e *errand) (string, error) {
	start := time.Now()
	err := meaning(s.run(ctx, e))
	s.hooks.Call("count", time.Since(start), err)
	if e.left.Load() {
		return "", err
	}
	answer := e.answer
	s.errands.Put(e)
	return answer, err
}

// run sends an errand on the lane of its server, or by itself.
func (s *Store) run(ctx context.Context, e *errand) error {
	l, err := s.laneOf(ctx, e)
	if err != nil {
		return err
	}
	if l.takesOff(e) {
		defer l.lands() //nolint:contextcheck // those that go next have their own callers
		return s.runAlone(ctx, e)
	}
	if e.timer == nil {
		e.timer = time.NewTimer(s.timeout)
	} else {
		e.timer.Reset(s.timeout)
	}
	defer e.timer.Stop()
	select {
	case <-e.done:
	case <-ctx.Done():
		e.left.Store(true) // not sent any more, unless it is under way
		return ctx.Err()
	case <-e.timer.C:
		e.left.Store(true)
		return context.DeadlineExceeded
	}
	if e.alone {
		return s.runAlone(ctx, e)
	}
	return e.err
}

// runAlone sends the hash of the script, and its source to a server that does not
// know it, which has executed nothing then. Redirections are followed.
func (s *Store) runAlone(ctx context.Context, e *errand) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	c := e.command(ctx)
	_ = s.client.Process(ctx, c) // the command has the error
	if strings.HasPrefix(replyText(c.Err()), noScript) {
		args := e.args
		args[0], args[1] = "eval", countSource
		c = goredis.NewCmd(ctx, args[:firstKey+2*e.keys]...)
		_ = s.client.Process(ctx, c)
	}
	e.answer, e.err = c.Text()
	return e.err
}

const noScript = "NOSCRIPT"

// laneOf gives the lane of the server that has the keys.
func (s *Store) laneOf(ctx context.Context, e *errand) (*lane, error) {
	cluster, is := s.client.(*goredis.ClusterClient)
	if !is {
		return s.lane, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	server, err := cluster.MasterForKey(ctx, e.texts[0])
	if err != nil {
		return nil, err
	}
	addr := server.Options().Addr
	if known, ok := s.lanes.Load(addr); ok {
		if l, ok := known.(*lane); ok && l.server == server {
			return l, nil
		}
	}
	made := &lane{store: s, server: server}
	s.lanes.Store(addr, made) // two at the first moment do no harm
	return made, nil
}

// takesOff says whether an errand may go at once; else it waits.
func (l *lane) takesOff(e *errand) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flying < mostFlights {
		l.flying++
		return true
	}
	l.waiting = append(l.waiting, e)
	return false
}

// lands ends a flight: those that wait take its place. After Close their flights
// end at once.
func (l *lane) lands() {
	batch := l.next()
	if batch == nil {
		return
	}
	go func() {
		for ; batch != nil; batch = l.next() {
			l.fly(batch)
		}
	}()
}

// next gives the errands that go together now; without any the flight is over.
func (l *lane) next() []*errand {
	l.mu.Lock()
	defer l.mu.Unlock()
	var batch []*errand
	taken := 0
	for ; taken < len(l.waiting) && len(batch) < mostBatched; taken++ {
		if e := l.waiting[taken]; !e.left.Load() {
			batch = append(batch, e)
		}
		l.waiting[taken] = nil
	}
	if l.waiting = l.waiting[taken:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	if batch == nil {
		l.flying--
	}
	return batch
}

// fly sends a batch within the budget of one call. What a caller does meanwhile
// is no matter of the others.
func (l *lane) fly(batch []*errand) {
	ctx, cancel := context.WithTimeout(l.store.ended, l.store.timeout)
	defer cancel()
	pipe := l.server.Pipeline()
	commands := make([]*goredis.Cmd, len(batch))
	queue := make([]goredis.Cmder, len(batch))
	for i, e := range batch {
		commands[i] = e.command(ctx)
		queue[i] = commands[i]
	}
	_ = pipe.BatchProcess(ctx, queue...) // only queued
	_, err := pipe.Exec(ctx)
	for i, e := range batch {
		e.answer, e.err = commands[i].Text()
		if e.err != nil && err != nil && !isReply(e.err) {
			e.err = err // as the hook says it
		}
		e.alone = notExecuted(e.err)
		e.done <- struct{}{}
	}
}

// notExecuted tells errors of a server that has not run the script: it does not
// know it (after a restart, a failover, SCRIPT FLUSH), or the key is elsewhere.
// Such a count is sent again, by itself; the others of its batch are not.
func notExecuted(err error) bool {
	text := replyText(err)
	for _, word := range []string{noScript, "MOVED ", "ASK "} {
		if strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}
