package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tollgate-authz/tollgate/store"
)

// historyQuota is the quota of the histories: small, so that it is used up, reset
// and topped up many times in one.
const historyQuota = 12

// asked is one call of a history; answered is what came of it.
type asked struct {
	step store.Step
	cost int64
}

type answered struct {
	unknown   bool // no answer: it may have happened, now or later, or not
	admitted  bool
	remaining int64
	total     int64
}

// spentQuota is the state of the model: what is spent, and what was added by hand.
type spentQuota struct{ count, extra int64 }

// quotaModel is a quota as one caller after the other would see it.
func quotaModel() porcupine.Model {
	nondeterministic := porcupine.NondeterministicModel{
		Init: func() []any { return []any{spentQuota{}} },
		Step: func(state, input, output any) []any {
			was, _ := state.(spentQuota)
			in, _ := input.(asked)
			out, _ := output.(answered)
			next, says := was.step(in)
			switch {
			case out.unknown:
				return []any{was, next}
			case says == out:
				return []any{next}
			}
			return nil
		},
		Equal: func(a, b any) bool { return a == b },
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%+v -> %+v", input, output)
		},
	}
	return nondeterministic.ToModel()
}

func (q spentQuota) step(in asked) (spentQuota, answered) {
	fits := q.count+max(in.cost, 1) <= historyQuota+q.extra
	switch in.step {
	case store.Reset:
		q = spentQuota{}
		fits = true
	case store.TopUp:
		q.extra += in.cost
		fits = q.count+1 <= historyQuota+q.extra
	case store.Take:
		if fits {
			q.count += in.cost
		}
	}
	total := historyQuota + q.extra
	return q, answered{admitted: fits, remaining: max(total-q.count, 0), total: total}
}

// isLinearizable: what many callers see could have been seen by one after the
// other, each in the time between its call and its answer.
func isLinearizable(t *testing.T, _ Subject, b store.Backend) {
	histories := 3
	if os.Getenv("TOLLGATE_LONG") == "1" {
		histories = 300
	}
	operations := 0
	for i := range histories {
		history := History(t, b, fmt.Sprintf("history %d", i), 8, 30)
		operations += len(history)
		CheckHistory(t, history)
	}
	t.Logf("evidence: %d histories of %d operations are linearizable", histories, operations)
}

// History lets so many callers make calls on one id, each so many, and gives what
// they saw. Calls without an answer are part of it.
func History(t *testing.T, b store.Counter, id string, callers, calls int) []porcupine.Operation {
	t.Helper()
	begun := time.Now()
	var mu sync.Mutex
	var all []porcupine.Operation
	var running sync.WaitGroup
	for caller := range callers {
		running.Go(func() {
			r := rand.New(rand.NewPCG(uint64(caller), uint64(begun.UnixNano()))) //nolint:gosec // which calls are made is no secret
			for range calls {
				in := anyStep(r)
				op := porcupine.Operation{ClientId: caller, Input: in, Call: int64(time.Since(begun))}
				c := one(quota(historyQuota, time.Hour))
				c.Cost = in.cost
				v, err := b.Count(t.Context(), id, in.step, c)
				op.Return = int64(time.Since(begun))
				op.Output = answered{admitted: v.Admitted, remaining: v.Usage[0].Remaining, total: v.Usage[0].Limit}
				if err != nil {
					op.Output, op.Return = answered{unknown: true}, int64(time.Hour)
				}
				mu.Lock()
				all = append(all, op)
				mu.Unlock()
				if err != nil {
					caller += callers // a caller has one call under way at a time
				}
			}
		})
	}
	running.Wait()
	return all
}

func anyStep(r *rand.Rand) asked {
	switch r.IntN(12) {
	case 0:
		return asked{store.Reset, 0}
	case 1:
		return asked{store.TopUp, 1 + r.Int64N(3)}
	case 2:
		return asked{store.Take, 0}
	case 3:
		return asked{store.Take, 1 + r.Int64N(4)}
	}
	return asked{store.Take, 1}
}

// CheckHistory fails the test where no order of the calls explains what was seen.
func CheckHistory(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	result, info := porcupine.CheckOperationsVerbose(quotaModel(), history, 2*time.Minute)
	if result == porcupine.Ok {
		return
	}
	path := t.TempDir() + "/history.html"
	if f, err := os.Create(path); err == nil { //nolint:gosec // a directory of this test's
		porcupine.Visualize(quotaModel(), info, f) //nolint:errcheck,gosec // the verdict counts
		f.Close()                                  //nolint:errcheck,gosec // the verdict counts
	}
	t.Errorf("a history of %d calls is %s", len(history), result)
	for _, op := range history {
		t.Logf("%d: %d to %d: %+v %+v", op.ClientId, op.Call, op.Return, op.Input, op.Output)
	}
}
