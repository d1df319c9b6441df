package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// The script and the arithmetic of package limit leave the same bytes and give
// the same verdicts, whatever comes in which order (sequences: 10^5 with
// TOLLGATE_LONG=1).
func TestScriptCountsAsTheKernel(t *testing.T) {
	sequences := 1500
	if os.Getenv("TOLLGATE_LONG") != "" {
		sequences = 100_000
	}
	s := openParity(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range sequences {
		if err := s.sequence(t.Context(), r, fmt.Sprintf("sequence %d", i)); err != nil {
			t.Fatalf("seed %d, sequence %d: %v", seed, i, err)
		}
	}
	t.Logf("evidence: %d random sequences leave the same bytes and verdicts in Go and in Lua", sequences)
}

// The same for two records that are charged together.
func TestScriptCountsBothAsTheDrivers(t *testing.T) {
	sequences := 500
	if os.Getenv("TOLLGATE_LONG") != "" {
		sequences = 20_000
	}
	s := openParity(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 2))
	for i := range sequences {
		if err := s.together(t.Context(), r, i); err != nil {
			t.Fatalf("seed %d, sequence %d: %v", seed, i, err)
		}
	}
	t.Logf("evidence: %d random sequences on two records at once leave the same in Go and in Lua", sequences)
}

// together runs a sequence through the script and through a store in memory.
func (p parity) together(ctx context.Context, r *rand.Rand, n int) error {
	ids := [2]string{fmt.Sprintf("own %d", n), fmt.Sprintf("shared %d", n)}
	pools := [2][]limit.Spec{randomLimits(r), randomLimits(r)}
	tally := store.NewTally(0, store.Hooks{}, nil, nil)
	now := int64(1_760_000_000_000_000) + r.Int64N(1e15)
	for step := range 2 + r.IntN(8) {
		own, shared := randomCharge(r, pools[0], now), randomCharge(r, pools[1], now)
		shared.Cost = own.Cost
		want := [2]store.Part{{ID: ids[0], Charge: &own}, {ID: ids[1], Charge: &shared}}
		got := want
		tally.CountBoth(ctx, &want[0], &want[1])
		p.countBothAt(ctx, &got[0], &got[1], now)
		for i := range got {
			want[i].Verdict.Write, want[i].Verdict.Until = false, 0
			if got[i].Err != nil || want[i].Err != nil || got[i].Verdict != want[i].Verdict {
				return fmt.Errorf("step %d, record %d: the script says %+v, %w, the driver %+v, %w",
					step, i, got[i].Verdict, got[i].Err, want[i].Verdict, want[i].Err)
			}
			stored, err := p.Counted(ctx, ids[i])
			if err != nil || !bytes.Equal(stored, tally.Counted(ids[i])) {
				return fmt.Errorf("step %d, record %d: %w\nscript %x\ndriver %x", step, i, err, stored, tally.Counted(ids[i]))
			}
		}
		now += max(jump(r, pools[0]), 0) // a driver does not let late callers turn time back
	}
	return nil
}

// The same for several steps in one call of the script, as counts travel that come
// while others are under way; some are on the same records.
func TestOneCallCountsAsSeveral(t *testing.T) {
	sequences := 500
	if os.Getenv("TOLLGATE_LONG") != "" {
		sequences = 20_000
	}
	s := openParity(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 3))
	for i := range sequences {
		if err := s.inOneCall(t.Context(), r, i); err != nil {
			t.Fatalf("seed %d, sequence %d: %v", seed, i, err)
		}
	}
	t.Logf("evidence: %d calls of up to %d steps leave the same in Go and in Lua", sequences, mostInCall)
}

// inOneCall sends up to as many steps as go together, and takes the same from a
// store in memory one after the other.
func (p parity) inOneCall(ctx context.Context, r *rand.Rand, n int) error {
	type taken struct {
		want, got []*store.Part
		asked     indexes
	}
	tally := store.NewTally(0, store.Hooks{}, nil, nil)
	now := int64(1_760_000_000_000_000) + r.Int64N(1e15)
	pools := [3][]limit.Spec{randomLimits(r), randomLimits(r), randomLimits(r)}
	steps := make([]taken, 1+r.IntN(mostInCall))
	errands := make([]*errand, len(steps))
	for i := range steps {
		of := r.Perm(len(pools))[:1+r.IntN(2)]
		var cost int64
		for j, which := range of {
			c := randomCharge(r, pools[which], now)
			if j == 0 {
				cost = c.Cost
			}
			c.Cost = cost
			part := store.Part{ID: fmt.Sprintf("call %d, record %d", n, which), Charge: &c}
			again := part
			steps[i].want, steps[i].got = append(steps[i].want, &part), append(steps[i].got, &again)
		}
		if len(of) == 1 {
			w := steps[i].want[0]
			w.Verdict, w.Err = tally.Count(ctx, w.ID, store.Take, w.Charge)
		} else {
			tally.CountBoth(ctx, steps[i].want[0], steps[i].want[1])
		}
		errands[i] = p.ask(store.Take, now, steps[i].got, &steps[i].asked)
		now += max(jump(r, pools[of[0]]), 0)
	}
	c := counting(ctx, "eval", countSource, errands...)
	_ = p.client.Process(ctx, c) // c has the error
	all, err := c.Text()
	if err != nil {
		return err
	}
	for i := range steps {
		steps[i].asked.read(all[:errands[i].size], steps[i].got)
		all = all[errands[i].size:]
		for j, got := range steps[i].got {
			want := steps[i].want[j]
			want.Verdict.Write, want.Verdict.Until = false, 0
			if want.Err != nil || got.Verdict != want.Verdict {
				return fmt.Errorf("step %d, part %d: the script says %+v, the driver %+v, %w", i, j, got.Verdict, want.Verdict, want.Err)
			}
		}
	}
	if all != "" {
		return fmt.Errorf("%d bytes too many", len(all))
	}
	for which := range pools {
		id := fmt.Sprintf("call %d, record %d", n, which)
		if stored, err := p.Counted(ctx, id); err != nil || !bytes.Equal(stored, tally.Counted(id)) {
			return fmt.Errorf("%s: %w\nscript %x\ndriver %x", id, err, stored, tally.Counted(id))
		}
	}
	return nil
}

type parity struct{ *Store }

func (p parity) sequence(ctx context.Context, r *rand.Rand, id string) error {
	name := p.layout.Name(store.Key{Kind: store.KindLimit, ID: id})
	defer p.client.Del(ctx, name)
	pool := randomLimits(r)
	var record []byte
	if r.IntN(8) == 0 {
		record = randomRecord(r)
		if err := p.client.Set(ctx, name, record, 0).Err(); err != nil {
			return err
		}
	}
	now := int64(1_760_000_000_000_000) + r.Int64N(1e15)
	for step := range 2 + r.IntN(10) {
		c := randomCharge(r, pool, now)
		kind := []store.Step{store.Take, store.Take, store.Take, store.Take, store.Reset, store.TopUp}[r.IntN(6)]
		next, want := store.Apply(nil, record, kind, &c)
		got, err := p.countAt(ctx, id, kind, &c, now)
		if err != nil {
			return err
		}
		if want.Write {
			record = next
		}
		want.Write, want.Until = false, 0
		if got != want {
			return fmt.Errorf("step %d (%c, cost %d): the script says %+v, the kernel %+v", step, kind, c.Cost, got, want)
		}
		stored, err := p.client.Get(ctx, name).Bytes()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return err
		}
		if !bytes.Equal(stored, record) {
			return fmt.Errorf("step %d (%c, cost %d):\nscript %x\nkernel %x", step, kind, c.Cost, stored, record)
		}
		now += jump(r, pool)
	}
	return nil
}

// jump is how far the clock goes on: mostly within a period, sometimes far, and
// sometimes back.
func jump(r *rand.Rand, pool []limit.Spec) int64 {
	per := pool[r.IntN(len(pool))].Per.Microseconds() + 1
	switch r.IntN(10) {
	case 0:
		return 0
	case 1:
		return -r.Int64N(min(per, 1e12) + 1)
	case 2:
		return min(3*per, 1e13)
	case 3:
		return min(per, 1e13)
	}
	return r.Int64N(min(per, 1e13) + 1)
}

func randomLimits(r *rand.Rand) []limit.Spec {
	numbers := []int64{0, 1, 2, 3, 5, 7, 10, 100, 999, 1000, 1001, 60_000, 1 << 31, 1 << 40, 1<<53 - 1, 1 << 53, 1<<63 - 1}
	times := []time.Duration{time.Microsecond, time.Millisecond, 7 * time.Millisecond, time.Second, 3 * time.Second, time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 80 * 365 * 24 * time.Hour}
	specs := make([]limit.Spec, 1+r.IntN(5))
	for i := range specs {
		s := limit.Spec{Algorithm: limit.Algorithm(1 + r.IntN(5)), Requests: numbers[r.IntN(len(numbers))], Per: times[r.IntN(len(times))]}
		if r.IntN(3) == 0 {
			s.Requests = 1 + r.Int64N(20)
		}
		if r.IntN(20) == 0 {
			s.Requests = -1
		}
		if s.Algorithm == limit.Quota && r.IntN(6) == 0 {
			s.Per = 0
		}
		if s.Algorithm == limit.TokenBucket && r.IntN(2) == 0 {
			s.Burst = numbers[r.IntN(len(numbers))]
		}
		s.ID = limit.ID{byte(i), byte(r.IntN(2)), 1, 2, 3, 4, 5, 6}
		specs[i] = s
	}
	return specs
}

func randomCharge(r *rand.Rand, pool []limit.Spec, now int64) limit.Charge {
	c := limit.Charge{Cost: []int64{0, 1, 1, 1, 1, 2, 5, 50}[r.IntN(8)], Now: now}
	for _, i := range r.Perm(len(pool))[:1+r.IntN(len(pool))] {
		l := limit.New(pool[i])
		if pool[i].Algorithm == limit.Quota && pool[i].Per > 0 && i%2 == 0 {
			end := time.UnixMicro(now).Truncate(pool[i].Per).Add(pool[i].Per)
			l = l.Ending(end, end.Add(pool[i].Per))
		}
		c.Limits = append(c.Limits, l)
	}
	return c
}

func randomRecord(r *rand.Rand) []byte {
	b := make([]byte, 1+r.IntN(60))
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	if r.IntN(2) == 0 {
		b[0] = 1
	}
	return b
}

func openParity(t *testing.T) parity {
	t.Helper()
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	a, err := store.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Address: a, Timeout: 10 * time.Second}) // the machine may be busy
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // the end of the test
	return parity{s}
}
