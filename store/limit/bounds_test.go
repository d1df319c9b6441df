package limit

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The bytes of a record are a contract with scripts and with what stores hold.
func TestRecordFormat(t *testing.T) {
	now := int64(1_000_000)
	c := &Charge{Cost: 2, Now: now, Limits: []Limit{
		New(Spec{ID: ID{1}, Requests: 10, Per: time.Second}),
		New(Spec{ID: ID{2}, Algorithm: TokenBucket, Requests: 3, Per: time.Second}),
		New(Spec{ID: ID{3}, Algorithm: SlidingLog, Requests: 10, Per: time.Second}),
		New(Spec{ID: ID{4}, Algorithm: FixedWindow, Requests: 10, Per: time.Second}),
		New(Spec{ID: ID{5}, Algorithm: Quota, Requests: 10, Per: time.Second}),
	}}
	record, v := Take(nil, nil, c)
	if !v.Admitted {
		t.Fatal("refused")
	}
	want := "01" +
		"0100000000000000" + "01" + "0015" + "000000002dc6c0" + "00000000000000" + "00000000000002" +
		"0200000000000000" + "02" + "000e" + "00000000196e6b" + "00000000000001" + // 1666666 + 2/3
		"0300000000000000" + "03" + "0015" + "000000001e8480" + "000000000f4240" + "000000000f4240" +
		"0400000000000000" + "04" + "000e" + "000000001e8480" + "00000000000002" +
		"0500000000000000" + "05" + "000e" + "000000001e8480" + "00000000000002"
	if got := hex.EncodeToString(record); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	argument := New(Spec{ID: ID{2}, Algorithm: TokenBucket, Requests: 3, Per: time.Second, Burst: 2})
	wantArgument := "0200000000000000" + "02" + "00000000000002" + "000000000f4240" +
		"00000000000003" + "00000000051615" + "00000000000001" + "000000000a2c2b" + "00000000000001"
	if got := hex.EncodeToString(argument.AppendArgument(nil)); got != wantArgument || len(got) != 2*ArgumentSize {
		t.Errorf("got  %s\nwant %s", got, wantArgument)
	}
}

func TestOddNumbers(t *testing.T) {
	for _, algorithm := range algorithms {
		for _, requests := range []int64{math.MinInt64, -1, 0, 1, 1 << 26, 1<<26 + 1, 1 << 31, 1<<53 - 1, 1 << 53, math.MaxInt64} {
			for _, per := range []time.Duration{-time.Hour, 0, 1, time.Microsecond, time.Second, 366 * 24 * time.Hour, math.MaxInt64} {
				for _, burst := range []int64{math.MinInt64, 0, 1, 1 << 31, math.MaxInt64} {
					checkOdd(t, Spec{Algorithm: algorithm, Requests: requests, Per: per, Burst: burst})
				}
			}
		}
	}
}

// checkOdd charges a limit at odd instants: below 0 it never refuses and never
// writes, 0 always refuses, everything else admits at least once and comes back.
func checkOdd(t *testing.T, spec Spec) {
	t.Helper()
	l := New(spec)
	for _, now := range []int64{math.MinInt64, 0, 1, start, MaxNow, math.MaxInt64} {
		record, v := Take(nil, nil, &Charge{Limits: []Limit{l}, Cost: 1, Now: now})
		switch {
		case spec.Requests < 0:
			if !v.Admitted || len(record) > 1 || v.Usage[0].Remaining != -1 {
				t.Errorf("%+v at %d: %+v", spec, now, v)
			}
			continue
		case spec.Requests == 0:
			if v.Admitted || v.Wait != Never || v.Write {
				t.Errorf("%+v at %d: %+v", spec, now, v)
			}
			continue
		case !v.Admitted || v.Until <= min(max(now, 0), MaxNow) || v.Until > MaxNumber:
			t.Errorf("%+v at %d: %+v", spec, now, v)
			continue
		}
		if u := v.Usage[0]; u.Remaining != u.Limit-1 || u.Limit < 1 || u.Limit > MaxNumber {
			t.Errorf("%+v at %d: %+v", spec, now, u)
		}
		if again := Peek(record, &Charge{Limits: []Limit{l}, Now: now}); again.Foreign || again.Usage[0].Remaining != v.Usage[0].Remaining {
			t.Errorf("%+v at %d: read again %+v", spec, now, again)
		}
		if v.Until <= MaxNow {
			if then := Peek(record, &Charge{Limits: []Limit{l}, Now: v.Until}); then.Usage[0].Remaining != then.Usage[0].Limit {
				t.Errorf("%+v at %d: at its end %+v", spec, now, then.Usage[0])
			}
		}
	}
}

// A rate of more than a permit in a microsecond is a rate all the same.
func TestFastBucket(t *testing.T) {
	l := []Limit{New(Spec{Algorithm: TokenBucket, Requests: 10_000_000, Per: time.Second, Burst: 100})}
	record, admitted := []byte(nil), int64(0)
	for now := start; now < start+1000; now++ {
		for {
			next, v := Take(nil, record, &Charge{Limits: l, Cost: 1, Now: now})
			if !v.Admitted {
				break
			}
			record, admitted = next, admitted+1
		}
	}
	if admitted != 100+9990 {
		t.Errorf("%d admitted in a millisecond, want the burst and ten for each of 999 microseconds", admitted)
	}
}

func TestCostsBeyondTheBounds(t *testing.T) {
	l := []Limit{New(Spec{Requests: 1 << 30, Per: time.Second})}
	for cost, want := range map[int64]bool{-5: true, 0: true, MaxBurst: true, MaxBurst + 1: false, math.MaxInt64: false} {
		next, v := Take(nil, nil, &Charge{Limits: l, Cost: cost, Now: start})
		if v.Admitted != want || v.Write != (want && cost > 0) || (len(next) > 0) != v.Write {
			t.Errorf("cost %d: %+v", cost, v)
		}
	}
	many := make([]Limit, MaxLimits+1)
	for i := range many {
		many[i] = New(Spec{ID: ID{byte(i)}, Requests: 1, Per: time.Second})
	}
	if _, v := Take(nil, nil, &Charge{Limits: many, Cost: 1, Now: start}); v.Admitted || v.Wait != Never {
		t.Errorf("more limits than there may be: %+v", v)
	}
	if _, v := Take(nil, nil, &Charge{Limits: many[:1:1], Cost: 1, Now: start}); !v.Admitted {
		t.Errorf("%+v", v)
	}
	if _, v := Take(nil, nil, &Charge{Limits: []Limit{{}}, Cost: 1, Now: start}); v.Admitted {
		t.Error("the zero limit admits")
	}
	if l := New(Spec{Algorithm: 9, Requests: -1}); l.Unlimited() || l.Capacity() != 0 {
		t.Error("an unknown algorithm is open")
	}
}

// A step of the clock by a day neither frees nor locks for longer than a window.
func TestClockSteps(t *testing.T) {
	const day = int64(24 * 3600 * 1e6)
	for _, algorithm := range algorithms {
		for _, step := range []int64{-day, -5, 5, day} {
			spec := Spec{ID: ID{1}, Algorithm: algorithm, Requests: 10, Per: time.Minute}
			l := []Limit{New(spec)}
			per := spec.Per.Microseconds()
			record, _ := Take(nil, nil, &Charge{Limits: l, Cost: 10, Now: start})
			natural := Peek(record, &Charge{Limits: l, Now: start}).Wait // of a sliding window per·(1+1/N)
			now := start + step
			next, v := Take(nil, record, &Charge{Limits: l, Cost: 1, Now: now})
			if freed := step < per && v.Admitted; freed {
				t.Errorf("algorithm %d: a step of %d frees", algorithm, step)
			}
			if v.Write {
				record = next
			}
			if v.Wait > max(per, natural)+5 {
				t.Errorf("algorithm %d: a step of %d locks for %d", algorithm, step, v.Wait)
			}
			if _, then := Take(nil, record, &Charge{Limits: l, Cost: 1, Now: now + v.Wait}); !then.Admitted {
				t.Errorf("algorithm %d: a step of %d locks for longer than its wait: %+v", algorithm, step, then)
			}
		}
	}
}

// Callers that read the clock before they got the lock come in some other order.
func TestClockReadsOutOfOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := drawSpec(t, 1)
		l, per := []Limit{New(spec)}, spec.Per.Microseconds()
		now, record, latest := start, []byte(nil), int64(0)
		var admitted []admission
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += drawStep(t, per)
			late := now - rapid.Int64Range(0, per/2).Draw(t, "late")
			next, v := Take(nil, record, &Charge{Limits: l, Cost: 1, Now: late})
			if !v.Admitted {
				if v.Wait > 3*per {
					t.Fatalf("%+v waits %d", spec, v.Wait)
				}
				continue
			}
			latest = max(latest, late)
			record, admitted = next, append(admitted, admission{latest, 1})
		}
		// Late callers are admitted as of their own instant at the earliest.
		if most := mostIn(admitted, per/2+1); most > bound(spec) {
			t.Fatalf("%+v: %d in half a window", spec, most)
		}
	})
}

func TestManyLimitsStayBounded(t *testing.T) {
	var record []byte
	log := New(Spec{Algorithm: SlidingLog, Requests: 1000, Per: time.Hour})
	for i := range 3000 {
		var id ID
		binary.BigEndian.PutUint16(id[:], uint16(i))
		l := New(Spec{ID: id, Requests: 5, Per: time.Duration(1+i%50) * time.Minute})
		if i%300 == 0 {
			l = log
			l.id = id
		}
		cost := min(l.n, 1000)
		next, v := Take(nil, record, &Charge{Limits: []Limit{l}, Cost: cost, Now: start + int64(i)})
		if !v.Admitted || !v.Write || v.Foreign {
			t.Fatalf("%d: %+v", i, v)
		}
		if len(next) > MaxRecord {
			t.Fatalf("%d: %d bytes", i, len(next))
		}
		if again := Peek(next, &Charge{Limits: []Limit{l}, Now: start + int64(i)}); again.Usage[0].Remaining != l.n-cost {
			t.Fatalf("%d: its own limit was left out: %+v", i, again.Usage[0])
		}
		record = next
	}
	// All of it dies with time.
	quota := []Limit{New(Spec{ID: ID{0xff, 0xff}, Algorithm: Quota, Requests: 1, Per: time.Minute})}
	last, _ := Take(nil, record, &Charge{Limits: quota, Cost: 1, Now: start + 3*3600*1e6})
	if len(last) != 26 {
		t.Errorf("%d bytes are left of limits that died", len(last))
	}
}

// Limits beside those of the request neither change a verdict nor get lost.
func TestOtherEntriesAreKept(t *testing.T) {
	a := []Limit{New(Spec{ID: ID{1}, Requests: 5, Per: time.Hour})}
	b := []Limit{New(Spec{ID: ID{2}, Algorithm: Quota, Requests: 5, Per: time.Hour})}
	record, _ := Take(nil, nil, &Charge{Limits: a, Cost: 3, Now: start})
	record, _ = Take(nil, record, &Charge{Limits: b, Cost: 2, Now: start})
	later := append(twin(record), 7, 0, 0, 0, 0, 0, 0, 0, 99, 0, 9) // a kind of a later version
	later = appendNumber(later, start+3600*1e6)
	later = append(later, 0xff, 0xff)
	next, v := Take(nil, later, &Charge{Limits: a, Cost: 1, Now: start + 1})
	if !v.Admitted || v.Foreign || v.Usage[0].Remaining != 1 || len(next) != len(later) {
		t.Fatalf("%+v %x", v, next)
	}
	if !bytes.Contains(next, later[len(record):]) {
		t.Error("the entry of a later version is lost")
	}
	if u := Peek(next, &Charge{Limits: b, Now: start + 1}).Usage[0]; u.Remaining != 3 {
		t.Errorf("%+v", u)
	}
	// An edited policy: another algorithm under the same name begins anew, another
	// number keeps the count.
	more := []Limit{New(Spec{ID: ID{2}, Algorithm: Quota, Requests: 50, Per: time.Hour})}
	if u := Peek(next, &Charge{Limits: more, Now: start + 1}).Usage[0]; u.Remaining != 48 {
		t.Errorf("%+v", u)
	}
	other := []Limit{New(Spec{ID: ID{2}, Algorithm: SlidingLog, Requests: 5, Per: time.Hour})}
	if u := Peek(next, &Charge{Limits: other, Now: start + 1}).Usage[0]; u.Remaining != 5 {
		t.Errorf("%+v", u)
	}
}

// The same name twice is charged once and written once.
func TestSameNameTwice(t *testing.T) {
	l := New(Spec{ID: ID{1}, Requests: 5, Per: time.Hour})
	record, v := Take(nil, nil, &Charge{Limits: []Limit{l, l}, Cost: 1, Now: start})
	if !v.Admitted || len(record) != 33 {
		t.Errorf("%+v %x", v, record)
	}
}

// A count with an extra of 0 written out says the same as one without.
func TestExtraOfNothing(t *testing.T) {
	for _, algorithm := range []Algorithm{FixedWindow, Quota} {
		c := &Charge{Cost: 3, Now: start, Limits: []Limit{New(Spec{ID: ID{7}, Algorithm: algorithm, Requests: 10, Per: time.Hour})}}
		short, _ := Take(nil, nil, c)
		long := append(bytes.Clone(short), make([]byte, numberSize)...)
		long[1+len(ID{})+2] += numberSize
		for _, record := range [][]byte{short, long} {
			if v := Peek(record, c); v.Foreign || v.Usage[0].Remaining != 7 {
				t.Errorf("%x: %+v", record, v)
			}
			next, _ := Take(nil, record, c)
			if again, _ := Take(nil, short, c); !bytes.Equal(next, again) {
				t.Errorf("%x goes on as %x", record, next)
			}
		}
	}
}
