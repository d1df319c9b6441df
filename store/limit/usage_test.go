package limit

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const hour = int64(3600 * 1e6)

func quota(n int64, per time.Duration) Limit {
	return New(Spec{ID: ID{9}, Algorithm: Quota, Requests: n, Per: per})
}

// spend takes single permits until one is refused.
func spend(t *testing.T, record []byte, l Limit, now int64) ([]byte, int64) {
	t.Helper()
	for n := int64(0); ; n++ {
		next, v := Take(nil, record, &Charge{Limits: []Limit{l}, Cost: 1, Now: now})
		if !v.Admitted {
			return record, n
		}
		if record = next; n > 10000 {
			t.Fatal("no end")
		}
	}
}

func TestQuotaFromTheFirstRequest(t *testing.T) {
	l := quota(100, time.Hour)
	record, first := spend(t, nil, l, start)
	_, still := spend(t, record, l, start+hour-1)
	record, renewed := spend(t, record, l, start+hour)
	_, third := spend(t, record, l, start+2*hour)
	if first != 100 || still != 0 || renewed != 100 || third != 100 {
		t.Errorf("admitted %d, %d, %d, %d", first, still, renewed, third)
	}
}

func TestLifetimeQuota(t *testing.T) {
	l := quota(3, 0)
	record, first := spend(t, nil, l, start)
	v := Peek(record, &Charge{Limits: []Limit{l}, Now: MaxNow})
	if first != 3 || v.Admitted || v.Wait != Never || v.Usage[0].Reset != MaxNumber {
		t.Errorf("%d, %+v", first, v)
	}
	// Given a period later on, what was counted ends with it.
	period := quota(3, time.Hour)
	next, v := Take(nil, record, &Charge{Limits: []Limit{period}, Cost: 1, Now: start})
	if v.Admitted || !v.Write || v.Wait != hour {
		t.Fatalf("%+v", v)
	}
	if _, n := spend(t, next, period, start+hour); n != 3 {
		t.Errorf("%d", n)
	}
}

func TestCalendarQuota(t *testing.T) {
	at := func(text string) time.Time {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	today, tomorrow := at("2027-03-02T00:00:00Z"), at("2027-03-03T00:00:00Z")
	l := quota(10, 24*time.Hour).Ending(today, tomorrow)
	now := Micros(at("2027-03-01T23:00:00Z"))
	record, first := spend(t, nil, l, now)
	v := Peek(record, &Charge{Limits: []Limit{l}, Now: now})
	if first != 10 || v.Wait != hour || v.Until != 0 || v.Usage[0].Reset != Micros(today) {
		t.Errorf("%d %+v", first, v)
	}
	// The store's clock is ahead: to the caller it is still today.
	record, second := spend(t, record, l, Micros(today))
	if reset := Peek(record, &Charge{Limits: []Limit{l}, Now: Micros(today)}).Usage[0].Reset; second != 10 || reset != Micros(tomorrow) {
		t.Errorf("%d until %d", second, reset)
	}
	// The store's clock is behind: to the caller it is tomorrow already.
	l = quota(10, 24*time.Hour).Ending(tomorrow, tomorrow.Add(24*time.Hour))
	if _, n := spend(t, record, l, Micros(today)-5); n != 0 {
		t.Errorf("%d admitted beyond the quota", n)
	}
	// Both ends have passed: the length of the period has to do.
	if reset := mustReset(t, l, Micros(at("2028-01-01T00:00:00Z"))); reset != Micros(at("2028-01-02T00:00:00Z")) {
		t.Errorf("reset %d", reset)
	}
	// The calendar got shorter: nobody waits for the old end.
	month := quota(10, 720*time.Hour).Ending(at("2027-04-01T00:00:00Z"), at("2027-05-01T00:00:00Z"))
	record, _ = spend(t, nil, month, now)
	day := quota(10, 24*time.Hour).Ending(today, tomorrow)
	next, v := Take(nil, record, &Charge{Limits: []Limit{day}, Cost: 1, Now: now})
	if v.Admitted || !v.Write || v.Wait != hour {
		t.Errorf("%+v", v)
	}
	if _, n := spend(t, next, day, Micros(today)); n != 10 {
		t.Errorf("%d after the shorter period", n)
	}
}

func mustReset(t *testing.T, l Limit, now int64) int64 {
	t.Helper()
	_, v := Take(nil, nil, &Charge{Limits: []Limit{l}, Cost: 1, Now: now})
	if !v.Admitted {
		t.Fatalf("%+v", v)
	}
	return v.Usage[0].Reset
}

func TestTopUp(t *testing.T) {
	l := quota(10, time.Hour)
	record, _ := spend(t, nil, l, start)
	record, v := TopUp(nil, record, &Charge{Limits: []Limit{l}, Cost: 5, Now: start + 1})
	if u := v.Usage[0]; !v.Admitted || u.Limit != 15 || u.Remaining != 5 || u.Reset != start+hour {
		t.Errorf("%+v", v)
	}
	record, more := spend(t, record, l, start+2)
	record, renewed := spend(t, record, l, start+hour)
	if more != 5 || renewed != 10 {
		t.Errorf("%d, then %d in the next period", more, renewed)
	}
	// Before anything was charged the top-up begins the period.
	fresh, v := TopUp(nil, nil, &Charge{Limits: []Limit{l}, Cost: 5, Now: start})
	if v.Usage[0].Remaining != 15 || v.Usage[0].Reset != start+hour || v.Until != start+hour {
		t.Errorf("%+v", v)
	}
	if _, n := spend(t, fresh, l, start+5); n != 15 {
		t.Errorf("%d", n)
	}
	// None allowed, but some by hand.
	none := quota(0, time.Hour)
	some, _ := TopUp(nil, nil, &Charge{Limits: []Limit{none}, Cost: 2, Now: start})
	some, n := spend(t, some, none, start)
	if spent := Peek(some, &Charge{Limits: []Limit{none}, Now: start}); n != 2 || spent.Wait != Never {
		t.Errorf("%d %+v", n, spent)
	}
	// A rate has nothing to top up.
	rate := New(Spec{ID: ID{1}, Requests: 5, Per: time.Second})
	record, v = TopUp(nil, record, &Charge{Limits: []Limit{rate, l}, Cost: 1 << 60, Now: start + hour})
	if v.Usage[0].Remaining != 5 || v.Usage[1].Limit != MaxNumber {
		t.Errorf("%+v", v)
	}
	if _, v := Take(nil, record, &Charge{Limits: []Limit{l}, Cost: MaxBurst, Now: start + hour}); !v.Admitted {
		t.Errorf("%+v", v)
	}
}

func TestReset(t *testing.T) {
	rate, q := New(Spec{ID: ID{1}, Requests: 5, Per: time.Minute}), quota(10, time.Hour)
	both := []Limit{rate, q}
	record, _ := Take(nil, nil, &Charge{Limits: both, Cost: 5, Now: start})
	next, v := Reset(nil, record, &Charge{Limits: both[:1], Now: start})
	if !v.Admitted || v.Usage[0].Remaining != 5 {
		t.Errorf("%+v", v)
	}
	if u := Peek(next, &Charge{Limits: both, Now: start}).Usage; u[0].Remaining != 5 || u[1].Remaining != 5 {
		t.Errorf("%+v", u)
	}
	if empty, v := Reset(nil, next, &Charge{Limits: both, Now: start}); len(empty) != 0 || !v.Write || v.Until != 0 {
		t.Errorf("%x %+v", empty, v)
	}
}

// Any bytes are a state: nothing panics, foreign ones count as empty, and whoever
// waits as told is admitted within four windows and the time a full bucket takes.
func FuzzState(f *testing.F) {
	for _, algorithm := range algorithms {
		l := []Limit{New(Spec{Algorithm: algorithm, Requests: 3, Per: time.Minute, Burst: 2})}
		record, _ := Take(nil, nil, &Charge{Limits: l, Cost: 2, Now: start})
		f.Add(record, byte(algorithm), int64(3), int64(time.Minute), start)
		f.Add(record[:len(record)-1], byte(algorithm), int64(1), int64(1), int64(0))
		f.Add(record, byte(algorithm), int64(1<<62), int64(1<<62), int64(MaxNow))
	}
	f.Add([]byte{2}, byte(1), int64(1), int64(1), start)
	f.Fuzz(func(t *testing.T, record []byte, algorithm byte, requests, per, now int64) {
		spec := Spec{Algorithm: Algorithm(algorithm % 6), Requests: requests, Per: time.Duration(per), Burst: requests / 3}
		l := New(spec)
		now = min(max(now, 0), MaxNow/2)
		before := twin(record)
		c := Charge{Limits: []Limit{l}, Cost: 1, Now: now}
		if look := Peek(record, &c); look.Write {
			t.Fatal("a look writes")
		}
		for round := 0; ; round++ {
			next, v := Take(nil, record, &c)
			if !bytes.Equal(record, before) {
				t.Fatal("the old record was changed")
			}
			checkVerdict(t, next, &c, v)
			if v.Write {
				record, before = next, twin(next)
			}
			if v.Admitted {
				return
			}
			if l.n == 0 || l.per == 0 { // none, or for a lifetime
				return
			}
			if v.Wait == Never {
				t.Fatalf("%+v never admits: %+v", spec, v)
			}
			if round > MaxLogged || c.Now+v.Wait-now > 4*l.per+l.tau {
				t.Fatalf("%+v still waits in round %d: %+v", spec, round, v)
			}
			if c.Now += v.Wait; c.Now > MaxNow {
				return
			}
		}
	})
}

// checkVerdict checks what every verdict must hold.
func checkVerdict(t *testing.T, next []byte, c *Charge, v Verdict) {
	t.Helper()
	u := v.Usage[0]
	if v.Admitted != (v.Wait == 0) || v.Admitted != (v.Denied < 0) || v.Write && v.Foreign && !v.Admitted {
		t.Fatalf("contradiction: %+v", v)
	}
	if u.Remaining < -1 || u.Remaining > u.Limit || u.Limit > MaxNumber || u.Reset < c.Now || u.Reset > MaxNumber {
		t.Fatalf("usage %+v at %d", u, c.Now)
	}
	if len(next) > 0 && !v.Write || len(next) > max(MaxRecord, 8<<10) {
		t.Fatalf("%d bytes, write %v", len(next), v.Write)
	}
	var r reading
	if ours := r.read(next, c); !ours || len(next) > 0 && v.Until <= c.Now {
		t.Fatalf("%x is written and not read, until %d", next, v.Until)
	}
}

// A foreign value counts as empty and says so.
func TestForeignRecords(t *testing.T) {
	l := []Limit{New(Spec{Requests: 1, Per: time.Second})}
	good, _ := Take(nil, nil, &Charge{Limits: l, Cost: 1, Now: start})
	high := twin(good)
	high[1+headSize] = 0x20 // 2^53
	for name, record := range map[string][]byte{
		"text": []byte("42"), "version": {9}, "cut": good[:len(good)-1], "longer": append(twin(good), 0), "number": high,
	} {
		next, v := Take(nil, record, &Charge{Limits: l, Cost: 1, Now: start})
		if !v.Admitted || !v.Foreign || !bytes.Equal(next, good) {
			t.Errorf("%s: %+v %x", name, v, next)
		}
	}
	if _, v := Take(nil, nil, &Charge{Limits: l, Cost: 1, Now: start}); v.Foreign {
		t.Error("an empty record is foreign")
	}
}

// Random bytes that look like ours are within the bounds of the fuzz target, too.
func TestPlausibleStates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t, 1)
		l := New(spec)
		record := appendHead([]byte{version}, &l, 0)
		sizes := map[Algorithm]int{TokenBucket: 2, SlidingLog: rapid.IntRange(1, 6).Draw(t, "size")}
		size := max(sizes[l.algorithm], 1)
		if sizes[l.algorithm] == 0 {
			size = 3
		}
		record[headSize] = byte(size * numberSize)
		for range size {
			record = appendNumber(record, rapid.OneOf(
				rapid.Int64Range(0, 9), rapid.Int64Range(start-2*l.per, start+4*l.per), rapid.Int64Range(0, MaxNumber),
			).Draw(t, "number"))
		}
		c := Charge{Limits: []Limit{l}, Cost: 1, Now: start}
		for round := 0; ; round++ {
			next, v := Take(nil, record, &c)
			if v.Foreign {
				t.Fatalf("foreign: %x", record)
			}
			if v.Admitted {
				return
			}
			if round > MaxLogged || v.Wait == Never || c.Now+v.Wait-start > 4*l.per+l.tau {
				t.Fatalf("%+v round %d: %+v", spec, round, v)
			}
			if v.Write {
				record = next
			}
			c.Now += v.Wait
		}
	})
}
