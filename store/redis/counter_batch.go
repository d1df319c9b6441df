package redis

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// How counts travel together: so many pipelines of one server are under way at
// once, each of so many counts; one call of the script takes so many of them, which
// is how long other clients of the server may have to wait.
const (
	mostFlights = 2
	mostBatched = 128
	mostInCall  = 32
)

// errand is one count on its way. Errands are used again, but for those that
// nobody waits for any more: a flight may still have them.
type errand struct {
	keys     [2]string
	requests [2]request
	parts    int       // how many of them
	size     int       // bytes of the answer
	due      time.Time // when its budget ends

	answer string
	err    error
	alone  bool // it was not executed: send it by itself

	left atomic.Bool   // nobody waits for it any more
	done chan struct{} // has room for the one word that it is done
}

func (s *Store) errand() *errand {
	e, ok := s.errands.Get().(*errand)
	if !ok {
		e = &errand{done: make(chan struct{}, 1)}
	}
	e.parts, e.size = 0, 0
	e.answer, e.err, e.alone = "", nil, false
	return e
}

// part adds a key. What is asked of it is to be written to its request, and how
// long the answer will be, to size.
func (e *errand) part(key string) *request {
	r := &e.requests[e.parts]
	e.keys[e.parts], *r = key, (*r)[:0]
	e.parts++
	return r
}

// request is what the script is asked about one key. A pointer to it goes into a
// command as it is.
type request []byte

// MarshalBinary implements encoding.BinaryMarshaler.
func (r *request) MarshalBinary() ([]byte, error) { return *r, nil }

// counting is one call of the script: EVALSHA with its hash or EVAL with its
// source, the number of keys, keys, requests.
func counting(ctx context.Context, how, script any, errands ...*errand) *goredis.Cmd {
	keys := 0
	for _, e := range errands {
		keys += e.parts
	}
	args := make([]any, 0, 3+2*keys)
	args = append(args, how, script, keys)
	for _, e := range errands {
		for i := range e.parts {
			args = append(args, &e.keys[i])
		}
	}
	for _, e := range errands {
		for i := range e.parts {
			args = append(args, &e.requests[i])
		}
	}
	return goredis.NewCmd(ctx, args...)
}

// lane is the way of counts to one server. A count that finds it free goes alone
// and at once. Those that come while others are under way go together, as one
// pipeline, as soon as one of them is back: nobody waits for company.
type lane struct {
	store  *Store
	server *goredis.Client

	mu      sync.Mutex
	flying  int // also those that went alone
	waiting []*errand
	aloft   []*flight
	watch   *time.Timer
	watched bool // the watch is set
}

// flight is a pipeline of counts under way.
type flight struct{ batch []*errand }

// send runs an errand within the budget and gives its answer.
func (s *Store) send(ctx context.Context, e *errand) (string, error) {
	start := time.Now()
	e.due = start.Add(s.timeout)
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
	select {
	case <-e.done:
	case <-ctx.Done():
		e.left.Store(true) // not sent any more, unless it is under way
		return ctx.Err()
	}
	if e.left.Load() {
		return context.DeadlineExceeded
	}
	if e.alone {
		return s.runAlone(ctx, e)
	}
	return e.err
}

// runAlone sends the hash of the script, and its source to a server that does not
// know it, which has executed nothing then. Redirections are followed. What has been
// on its way with others has the rest of its budget.
func (s *Store) runAlone(ctx context.Context, e *errand) error {
	ctx, cancel := context.WithDeadline(ctx, e.due)
	defer cancel()
	c := counting(ctx, "evalsha", s.countHash, e)
	_ = s.write(ctx, e.keys[0], c) // the command has the error
	if unknown(c.Err()) {
		c = counting(ctx, "eval", countSource, e)
		_ = s.write(ctx, e.keys[0], c)
	}
	if e.answer, e.err = c.Text(); e.err == nil && len(e.answer) != e.size {
		e.err = errAnswer
	}
	return e.err
}

// laneOf gives the lane of the server that has the keys.
func (s *Store) laneOf(ctx context.Context, e *errand) (*lane, error) {
	if s.lane != nil {
		return s.lane, nil
	}
	server, err := s.serverOf(ctx, e.keys[0])
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
	if !l.watched {
		l.watched = true
		l.lookIn(l.store.timeout)
	}
	return false
}

// lands ends a flight: those that wait take its place. After Close their flights
// end at once.
func (l *lane) lands() {
	f := &flight{}
	if !l.next(f) {
		return
	}
	go func() {
		for again := true; again; again = l.next(f) {
			l.fly(f)
			// Those who were answered go first: what they do next may be to count,
			// and the next flight takes it along. A third more go together so.
			runtime.Gosched()
		}
	}()
}

// next gives a flight the errands that go together now; without any it is over.
func (l *lane) next(f *flight) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.batch = f.batch[:0]
	taken := 0
	for ; taken < len(l.waiting) && len(f.batch) < mostBatched; taken++ {
		if e := l.waiting[taken]; !e.left.Load() {
			f.batch = append(f.batch, e)
		}
	}
	l.waiting = slices.Delete(l.waiting, 0, taken)
	if len(f.batch) == 0 {
		l.flying--
		return false
	}
	l.aloft = append(l.aloft, f)
	return true
}

// fly sends a batch within the budget of one call. What a caller does meanwhile
// is no matter of the others.
func (l *lane) fly(f *flight) {
	ctx, cancel := context.WithTimeout(l.store.ended, l.store.timeout)
	defer cancel()
	inCall := mostInCall
	if l.store.apart() {
		inCall = 1
	}
	pipe := l.server.Pipeline()
	calls := make([]*goredis.Cmd, 0, (len(f.batch)+inCall-1)/inCall)
	for together := range slices.Chunk(f.batch, inCall) {
		calls = append(calls, counting(ctx, "evalsha", l.store.countHash, together...))
		_ = pipe.Process(ctx, calls[len(calls)-1]) // only queued
	}
	confirmed := l.store.confirm(ctx, pipe)
	_, err := pipe.Exec(ctx)
	short := confirmed()
	l.arrives(f)
	for together := range slices.Chunk(f.batch, inCall) {
		answer, failed := calls[0].Text()
		switch {
		case failed == nil:
			failed = short
		case err != nil && !isReply(failed):
			failed = err // as the hook says it
		}
		land(together, answer, failed)
		calls = calls[1:]
	}
}

// land hands the answer of one call to those who still wait for it. The watch does
// not look at them any more, so nothing else can be in the way of its word.
func land(together []*errand, answer string, err error) {
	size := 0
	for _, e := range together {
		size += e.size
	}
	if err == nil && len(answer) != size {
		err = errAnswer
	}
	for _, e := range together {
		var own string
		if err == nil {
			own, answer = answer[:e.size], answer[e.size:]
		}
		if e.left.Load() {
			continue
		}
		e.answer, e.err, e.alone = own, err, notExecuted(err)
		e.done <- struct{}{}
	}
}

// notExecuted tells errors of a server that has not run the script: it does not
// know it (after a restart, a failover, SCRIPT FLUSH), or the key is elsewhere.
// Such a count is sent again, by itself; the others of its batch are not.
func notExecuted(err error) bool { return unknown(err) || elsewhere(err) }

func unknown(err error) bool { return strings.HasPrefix(replyText(err), "NOSCRIPT") }

func elsewhere(err error) bool {
	text := replyText(err)
	return strings.HasPrefix(text, "MOVED ") || strings.HasPrefix(text, "ASK ")
}
