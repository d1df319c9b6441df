package limit

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const start = int64(1_800_000_000_000_000) // 2027

func drawSpec(t *rapid.T, id byte) Spec {
	spec := Spec{
		ID:        ID{id},
		Algorithm: rapid.SampledFrom(algorithms).Draw(t, "algorithm"),
		Requests:  rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(1, 1000)).Draw(t, "requests"),
		Per: time.Duration(rapid.OneOf(
			rapid.Int64Range(1, 50), rapid.Int64Range(1, 1e9), rapid.SampledFrom([]int64{1e6, 6e7, 3.6e9}),
		).Draw(t, "per")) * time.Microsecond,
	}
	if spec.Algorithm == TokenBucket {
		spec.Burst = rapid.Int64Range(0, 20).Draw(t, "burst")
	}
	return spec
}

// drawStep moves the clock by about what matters to a period.
func drawStep(t *rapid.T, per int64) int64 {
	return rapid.OneOf(
		rapid.Just(int64(0)), rapid.Int64Range(0, 3), rapid.Int64Range(0, per/3+1),
		rapid.SampledFrom([]int64{per - 1, per, per + 1, 2*per - 1, 2 * per}), rapid.Int64Range(0, 3*per),
	).Draw(t, "step")
}

func drawCost(t *rapid.T, n int64) int64 {
	return rapid.OneOf(rapid.Just(int64(1)), rapid.Int64Range(1, 3), rapid.Int64Range(1, n+1)).Draw(t, "cost")
}

// Every decision is the model's, waits are exact, and no window gets more than
// the bound of its algorithm.
func TestDecidesAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t, 1)
		limits, m := []Limit{New(spec)}, newModel(spec)
		per := spec.Per.Microseconds()
		now, record := start, []byte(nil)
		var admitted []admission
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += drawStep(t, per)
			cost := drawCost(t, spec.Requests)
			c := &Charge{Limits: limits, Cost: cost, Now: now}
			next, v := Take(nil, record, c)
			if !m.agrees(now, cost, v.Admitted) {
				t.Fatalf("%+v at %d cost %d: admitted %v, the model disagrees", spec, now, cost, v.Admitted)
			}
			if v.Admitted != (v.Wait == 0) || v.Admitted != v.Write || v.Admitted != (v.Denied < 0) {
				t.Fatalf("verdict contradicts itself: %+v", v)
			}
			if v.Admitted {
				record, admitted = next, append(admitted, admission{now, cost})
				if v.Until <= now || v.Usage[0].Reset <= now {
					t.Fatalf("until %d and reset %d do not lie ahead of %d", v.Until, v.Usage[0].Reset, now)
				}
				continue
			}
			checkWait(t, record, c, v.Wait)
		}
		if most := mostIn(admitted, per); most > bound(spec) {
			t.Fatalf("%+v: %d in one window, at most %d", spec, most, bound(spec))
		}
	})
}

// checkWait asks again at the end of a wait and just before it.
func checkWait(t *rapid.T, record []byte, c *Charge, wait int64) {
	if wait == Never {
		if c.Cost <= c.Limits[0].Capacity() {
			t.Fatalf("cost %d of %d is never admitted", c.Cost, c.Limits[0].Capacity())
		}
		return
	}
	then := *c
	then.Now = c.Now + wait
	if _, v := Take(nil, record, &then); !v.Admitted {
		t.Fatalf("refused after the wait of %d: %+v", wait, v)
	}
	then.Now--
	if _, v := Take(nil, record, &then); v.Admitted {
		t.Fatalf("admitted before the wait of %d", wait)
	}
}

// A cost in two parts leaves the state of the whole; looking changes nothing.
func TestCostsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t, 1)
		limits := []Limit{New(spec)}
		now, record := start, []byte(nil)
		for range rapid.IntRange(1, 20).Draw(t, "requests") {
			now += drawStep(t, spec.Per.Microseconds())
			a, b := drawCost(t, spec.Requests), drawCost(t, spec.Requests)
			whole, v := Take(nil, record, &Charge{Limits: limits, Cost: a + b, Now: now})
			look := Peek(record, &Charge{Limits: limits, Cost: 7, Now: now})
			one, first := Take(nil, record, &Charge{Limits: limits, Cost: 1, Now: now})
			if look.Admitted != first.Admitted || look.Write || look.Wait != first.Wait {
				t.Fatalf("a look says %+v, a request %+v", look, first)
			}
			if look.Admitted != (look.Usage[0].Remaining > 0) {
				t.Fatalf("admitted %v with %d remaining", look.Admitted, look.Usage[0].Remaining)
			}
			if first.Admitted && first.Usage[0].Remaining != look.Usage[0].Remaining-1 {
				t.Fatalf("remaining %d, then %d", look.Usage[0].Remaining, first.Usage[0].Remaining)
			}
			if v.Admitted {
				half, _ := Take(nil, record, &Charge{Limits: limits, Cost: a, Now: now})
				if parts, p := Take(nil, half, &Charge{Limits: limits, Cost: b, Now: now}); !bytes.Equal(parts, whole) || !p.Admitted {
					t.Fatalf("%d and %d leave %x, together %x", a, b, parts, whole)
				}
				record = whole
			} else if first.Admitted {
				record = one
			}
		}
	})
}

// What remains never grows but by time, and never passes the limit.
func TestRemainingIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t, 1)
		limits := []Limit{New(spec)}
		now, record, last := start, []byte(nil), New(spec).n
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			step := drawStep(t, spec.Per.Microseconds())
			now += step
			before := Peek(record, &Charge{Limits: limits, Now: now}).Usage[0]
			if step == 0 && before.Remaining != last || before.Remaining < last || before.Remaining > before.Limit {
				t.Fatalf("%+v: remaining %d, then %d of %d after %d", spec, last, before.Remaining, before.Limit, step)
			}
			next, v := Take(nil, record, &Charge{Limits: limits, Cost: drawCost(t, spec.Requests), Now: now})
			if v.Admitted {
				record = next
			}
			last = v.Usage[0].Remaining
			whole := v.Usage[0].Reset
			if u := Peek(record, &Charge{Limits: limits, Now: max(whole, now)}).Usage[0]; u.Remaining != u.Limit {
				t.Fatalf("%+v: at its reset %d of %d remain", spec, u.Remaining, u.Limit)
			}
		}
	})
}

// Several limits are charged together or not at all, and none sees the others.
func TestAllOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			limits []Limit
			apart  [3][]byte
			pers   []int64
		)
		for i := range apart {
			spec := drawSpec(t, byte(i))
			limits, pers = append(limits, New(spec)), append(pers, spec.Per.Microseconds())
		}
		now, record := start, []byte(nil)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			now += drawStep(t, rapid.SampledFrom(pers).Draw(t, "of"))
			from := rapid.IntRange(0, 2).Draw(t, "from")
			to := rapid.IntRange(from+1, 3).Draw(t, "to")
			next, v := Take(nil, record, &Charge{Limits: limits[from:to], Cost: 1, Now: now})
			all, first, wait := true, -1, int64(0)
			for i := from; i < to; i++ {
				one := Peek(apart[i], &Charge{Limits: limits[i : i+1], Now: now})
				if !one.Admitted && all {
					all, first = false, i-from
				}
				wait = max(wait, one.Wait)
			}
			if v.Admitted != all || v.Denied != first || v.Wait != wait {
				t.Fatalf("together %+v, apart %v first %d wait %d", v, all, first, wait)
			}
			if !all {
				if v.Write {
					t.Fatal("a refusal writes")
				}
				continue
			}
			record = next
			for i := from; i < to; i++ {
				apart[i], _ = Take(nil, apart[i], &Charge{Limits: limits[i : i+1], Cost: 1, Now: now})
			}
		}
	})
}

func TestTakeAllocatesNothing(t *testing.T) {
	c := &Charge{Cost: 1, Now: start, Limits: []Limit{
		New(Spec{ID: ID{1}, Requests: 1 << 40, Per: time.Minute}),
		New(Spec{ID: ID{2}, Algorithm: Quota, Requests: 1 << 40, Per: time.Hour}),
	}}
	record, _ := Take(nil, nil, c)
	if len(record) != 58 {
		t.Errorf("a rate and a quota take %d bytes", len(record))
	}
	buffer := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() { Take(buffer, record, c) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
