package redis

import (
	"context"
	_ "embed" // the script
	"encoding/binary"
	"errors"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

//go:embed scripts/count.lua
var countSource string

// Sizes of what goes to the script and comes back, and what a wait without end
// looks like there.
const (
	answerHead  = 3 + 7
	answerUsage = 3 * 7
	forever     = 1<<56 - 1
)

// errAnswer says that the script answered something that it never answers.
var errAnswer = errors.New("the counting script gave an answer that cannot be read")

// Count implements store.Counter, on the clock of Redis.
func (s *Store) Count(ctx context.Context, id string, step store.Step, c *limit.Charge) (limit.Verdict, error) {
	return s.countAt(ctx, id, step, c, 0)
}

// countAt counts at an instant, 0 for that of Redis.
func (s *Store) countAt(ctx context.Context, id string, step store.Step, c *limit.Charge, now int64) (limit.Verdict, error) {
	p := store.Part{ID: id, Charge: c}
	s.counted(ctx, step, now, &p)
	return p.Verdict, p.Err
}

// CountBoth implements store.Counter.
func (s *Store) CountBoth(ctx context.Context, own, shared *store.Part) {
	s.countBothAt(ctx, own, shared, 0)
}

func (s *Store) countBothAt(ctx context.Context, own, shared *store.Part, now int64) {
	if !s.apart() {
		s.counted(ctx, store.Take, now, own, shared)
		return
	}
	var other sync.WaitGroup
	other.Go(func() { s.counted(ctx, store.Take, now, shared) })
	s.counted(ctx, store.Take, now, own)
	other.Wait()
}

// apart says that two keys may live on two servers.
func (s *Store) apart() bool {
	_, cluster := s.client.(*goredis.ClusterClient)
	return cluster
}

// Counted implements store.Counter.
func (s *Store) Counted(ctx context.Context, id string) ([]byte, error) {
	key := store.Key{Kind: store.KindLimit, ID: id}
	if err := key.Check(); err != nil {
		return nil, err
	}
	var record []byte
	err := s.call(ctx, "counted", func(ctx context.Context) error {
		var err error
		record, err = s.client.Get(ctx, s.layout.Name(key)).Bytes()
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return record, err
}

// counted counts on one record, or on two in one step, and fills the parts in.
func (s *Store) counted(ctx context.Context, step store.Step, now int64, parts ...*store.Part) {
	var asked indexes
	e := s.ask(step, now, parts, &asked)
	if e == nil {
		return
	}
	answer, err := s.send(ctx, e)
	if err != nil {
		failAll(parts, err)
		return
	}
	asked.read(answer, parts)
	for _, p := range parts {
		if p.Verdict.Foreign {
			s.hooks.Unreadable(store.KindLimit)
		}
	}
}

// indexes tells which limits of a charge the script was asked about: those without
// bound are not.
type indexes struct {
	of   [2][limit.MaxLimits]int
	many [2]int
}

// read fills in what the script answered, which has the right length.
func (x *indexes) read(answer string, parts []*store.Part) {
	for i, p := range parts {
		size := answerHead + x.many[i]*answerUsage
		p.Verdict = verdict(answer[:size], p.Charge, x.of[i][:x.many[i]])
		answer = answer[size:]
	}
}

// ask puts a step into words; nil when the parts have their results already.
func (s *Store) ask(step store.Step, now int64, parts []*store.Part, asked *indexes) *errand {
	e := s.errand()
	for i, p := range parts {
		key := store.Key{Kind: store.KindLimit, ID: p.ID}
		if p.Err = key.Check(); p.Err != nil {
			failAll(parts, p.Err)
			return nil
		}
		cost := min(max(p.Charge.Cost, 0), limit.MaxNumber)
		if len(p.Charge.Limits) > limit.MaxLimits || step == store.Take && cost > limit.MaxBurst {
			refuseAll(parts)
			return nil
		}
		r := e.part(s.layout.Name(key))
		if i == 0 {
			*r = appendNumber(appendNumber(append(*r, byte(step)), cost), now)
		}
		*r, asked.many[i] = appendLimits(*r, p.Charge, &asked.of[i])
		e.size += answerHead + asked.many[i]*answerUsage
	}
	return e
}

func failAll(parts []*store.Part, err error) {
	for _, p := range parts {
		p.Err = err
	}
}

func refuseAll(parts []*store.Part) {
	for _, p := range parts {
		p.Verdict = limit.Verdict{Wait: limit.Never}
	}
}

// appendLimits appends the limits of a charge. Those without bound are left out:
// they count nothing. index tells which ones are asked for.
func appendLimits(r request, c *limit.Charge, index *[limit.MaxLimits]int) (out request, many int) {
	for i := range c.Limits {
		if !c.Limits[i].Unlimited() {
			r = c.Limits[i].AppendArgument(r)
			index[many] = i
			many++
		}
	}
	return r, many
}

// verdict reads the answer for one record, which has the right length.
func verdict(answer string, c *limit.Charge, index []int) limit.Verdict {
	v := limit.Verdict{Admitted: answer[0] == 1, Denied: -1, Foreign: answer[2] == 1, Wait: number(answer[3:])}
	if v.Wait == forever {
		v.Wait = limit.Never
	}
	if refused := int(answer[1]); refused < len(index) {
		v.Denied = index[refused]
	}
	for i := range c.Limits {
		v.Usage[i] = limit.Usage{Limit: -1, Remaining: -1, Reset: c.Now}
	}
	for i, at := range index {
		u := answer[answerHead+i*answerUsage:]
		v.Usage[at] = limit.Usage{Limit: number(u), Remaining: number(u[7:]), Reset: number(u[14:])}
	}
	return v
}

// appendNumber and number are numbers as the script has them: 7 bytes, big endian.
func appendNumber(dst []byte, n int64) []byte {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(n))
	return append(dst, buf[1:]...)
}

func number(s string) int64 {
	var n int64
	for i := range 7 {
		n = n<<8 | int64(s[i])
	}
	return n
}
