package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	kernel "github.com/tollgate-authz/tollgate/store/limit"
)

func part(id string, l ...kernel.Limit) *store.Part { return &store.Part{ID: id, Charge: one(l...)} }

// takesFromBothOrNone: what one of the two records refuses is charged on neither.
func takesFromBothOrNone(t *testing.T, s Subject, b store.Backend) {
	ctx := within(t)
	remaining := func(id string, l kernel.Limit) int64 {
		t.Helper()
		v, err := b.Count(ctx, id, store.Take, &kernel.Charge{Limits: []kernel.Limit{l}, Now: kernel.Micros(time.Now())})
		if err != nil {
			t.Fatal(err)
		}
		return v.Usage[0].Remaining
	}
	take := func(own, all int64) (mine, shared *store.Part) {
		t.Helper()
		mine, shared = part("mine", quota(own, time.Hour)), part("everybody's", quota(all, time.Hour))
		b.CountBoth(ctx, mine, shared)
		if mine.Err != nil || shared.Err != nil {
			t.Fatalf("count both: %v, %v", mine.Err, shared.Err)
		}
		return mine, shared
	}
	mine, shared := take(5, 2)
	if !mine.Verdict.Admitted || !shared.Verdict.Admitted || mine.Verdict.Usage[0].Remaining != 4 || shared.Verdict.Usage[0].Remaining != 1 {
		t.Errorf("the first: %+v, %+v", mine.Verdict.Usage[0], shared.Verdict.Usage[0])
	}
	take(5, 2)
	if s.Apart {
		return // in two steps: what the shared one refuses may be charged on the own one
	}
	mine, shared = take(5, 2)
	if !mine.Verdict.Admitted || shared.Verdict.Admitted || mine.Verdict.Usage[0].Remaining != 3 {
		t.Errorf("refused by the shared record: %+v, %+v", mine.Verdict, shared.Verdict)
	}
	if got := remaining("mine", quota(5, time.Hour)); got != 3 {
		t.Errorf("the own record was charged: %d left", got)
	}
	mine, shared = take(2, 5)
	if mine.Verdict.Admitted || !shared.Verdict.Admitted {
		t.Errorf("refused by the own record: %+v, %+v", mine.Verdict, shared.Verdict)
	}
	if got := remaining("everybody's", quota(5, time.Hour)); got != 3 {
		t.Errorf("the shared record was charged: %d left", got)
	}
}

// admitsExactlyOfBoth: many callers, each with a quota of its own, share one.
func admitsExactlyOfBoth(t *testing.T, s Subject, b store.Backend) {
	ctx := within(t)
	const each, all, callers = 20, 500, 40
	var passed [callers]atomic.Int64
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for range each * 2 {
				mine, shared := part(fmt.Sprintf("caller %d", i), quota(each, time.Hour)), part("all callers", quota(all, time.Hour))
				b.CountBoth(ctx, mine, shared)
				if mine.Err != nil || shared.Err != nil {
					t.Errorf("count both: %v, %v", mine.Err, shared.Err)
					return
				}
				if mine.Verdict.Admitted && shared.Verdict.Admitted {
					passed[i].Add(1)
				}
			}
		})
	}
	group.Wait()
	sum := int64(0)
	for i := range passed {
		n := passed[i].Load()
		if n > each {
			t.Errorf("caller %d: %d admitted of a quota of %d", i, n, each)
		}
		sum += n
	}
	if sum > all || sum < all && !s.Apart {
		t.Errorf("%d admitted of a shared quota of %d", sum, all)
	}
}

// givesTheRecord: what is counted can be read, and reading counts nothing.
func givesTheRecord(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	if record, err := b.Counted(ctx, "nobody"); err != nil || len(record) != 0 {
		t.Errorf("nothing counted: %x, %v", record, err)
	}
	limits := []kernel.Limit{quota(5, time.Hour)}
	if _, err := b.Count(ctx, "read", store.Take, &kernel.Charge{Limits: limits, Cost: 1, Now: kernel.Micros(time.Now())}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		record, err := b.Counted(ctx, "read")
		if err != nil {
			t.Fatal(err)
		}
		v := kernel.Peek(record, &kernel.Charge{Limits: limits, Now: kernel.Micros(time.Now())})
		if v.Foreign || v.Usage[0].Remaining != 4 {
			t.Errorf("the record says %+v", v.Usage[0])
		}
	}
}

// recordsNothingOfRefused: a request that is refused leaves no record.
func recordsNothingOfRefused(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	none := quota(0, time.Hour)
	for i := range 20 {
		v, err := b.Count(ctx, fmt.Sprintf("refused %d", i), store.Take, one(none))
		if err != nil || v.Admitted {
			t.Errorf("a quota of none: %+v, %v", v, err)
		}
		if record, err := b.Counted(ctx, fmt.Sprintf("refused %d", i)); err != nil || len(record) != 0 {
			t.Errorf("a refused request left %x, %v", record, err)
		}
	}
}
