package obs

import (
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// linesPerSecond is how many denials of one reason are logged within a second.
// More say nothing new, and a client that sends ten thousand bad tokens a second
// must not fill a disk. Metrics count every one.
const linesPerSecond = 50

// floods bounds the lines of each reason. The map is fixed when it is made.
type floods map[authz.Reason]*flood

// flood is one fixed window of one second.
type flood struct {
	second     atomic.Int64
	lines      atomic.Int64
	suppressed atomic.Int64
}

func newFloods(reasons []authz.Reason) floods {
	all := make(floods, len(reasons)+1)
	for _, reason := range reasons {
		all[reason] = new(flood)
	}
	all[""] = new(flood) // reasons outside the table share one
	return all
}

// take says whether a line may be written, and how many of this reason were left
// out since the last one that was.
func (f floods) take(reason authz.Reason, now time.Time) (suppressed int64, ok bool) {
	one := f[reason]
	if one == nil {
		one = f[""]
	}
	second := now.Unix()
	if last := one.second.Load(); last != second && one.second.CompareAndSwap(last, second) {
		one.lines.Store(0)
	}
	if one.lines.Add(1) > linesPerSecond {
		one.suppressed.Add(1)
		return 0, false
	}
	return one.suppressed.Swap(0), true
}
