package redis

import (
	"context"
	_ "embed" // the script
	"encoding/binary"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

//go:embed scripts/count.lua
var countSource string

func countScript() script { return script{goredis.NewScript(countSource)} }

// Sizes of what goes to the script and comes back, and what a wait without end
// looks like there.
const (
	countHead   = 1 + 7 + 7
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

// countAt counts at an instant, 0 for that of Redis. Limits without bound are
// left out of the request: they count nothing.
func (s *Store) countAt(ctx context.Context, id string, step store.Step, c *limit.Charge, now int64) (limit.Verdict, error) {
	key := store.Key{Kind: store.KindLimit, ID: id}
	if err := key.Check(); err != nil {
		return limit.Verdict{}, err
	}
	if len(c.Limits) > limit.MaxLimits || c.Cost < 0 || c.Cost > limit.MaxBurst {
		return limit.Verdict{Wait: limit.Never}, nil
	}
	request := append(make([]byte, 0, countHead+len(c.Limits)*limit.ArgumentSize), byte(step))
	request = appendNumber(appendNumber(request, c.Cost), now)
	var index [limit.MaxLimits]int
	asked := 0
	for i := range c.Limits {
		if !c.Limits[i].Unlimited() {
			request = c.Limits[i].AppendArgument(request)
			index[asked] = i
			asked++
		}
	}
	var answer string
	err := s.call(ctx, "count", func(ctx context.Context) error {
		var err error
		answer, err = s.count.text(ctx, s.client, s.layout.Name(key), request)
		return err
	})
	if err != nil {
		return limit.Verdict{}, err
	}
	v, err := parseVerdict(answer, c, index[:asked])
	if v.Foreign {
		s.hooks.Unreadable(store.KindLimit)
	}
	return v, err
}

// text runs a script on one key and gives its text.
func (s script) text(ctx context.Context, c goredis.Scripter, key string, request []byte) (string, error) {
	return s.Run(ctx, c, []string{key}, request).Text()
}

func parseVerdict(answer string, c *limit.Charge, index []int) (limit.Verdict, error) {
	if len(answer) != answerHead+len(index)*answerUsage {
		return limit.Verdict{}, fmt.Errorf("%w: %w", store.ErrUnavailable, errAnswer)
	}
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
	return v, nil
}

// appendNumber and number are numbers as the script has them: 7 bytes, big endian.
func appendNumber(dst []byte, n int64) []byte {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(n)) //nolint:gosec // numbers are not negative
	return append(dst, buf[1:]...)
}

func number(s string) int64 {
	var n int64
	for i := range 7 {
		n = n<<8 | int64(s[i])
	}
	return n
}
