package demo

import (
	"context"
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// recentSize bounds what is remembered: the tour asks about a decision at once.
const recentSize = 256

// Recent remembers the exact reasons of the last decisions, which the client is
// not told. It implements authz.Observer.
type Recent struct {
	mutex   sync.Mutex
	reasons map[string]authz.Reason
	order   []string
}

var _ authz.Observer = (*Recent)(nil)

// Decision remembers one decision.
func (r *Recent) Decision(_ context.Context, info *authz.DecisionInfo) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.reasons == nil {
		r.reasons = make(map[string]authz.Reason, recentSize)
	}
	if len(r.order) == recentSize {
		delete(r.reasons, r.order[0])
		r.order = r.order[1:]
	}
	r.reasons[info.ID] = info.Reason
	r.order = append(r.order, info.ID)
}

// Dependency is of no interest here.
func (*Recent) Dependency(string, string, time.Duration) {}

// Exact gives the exact reason of a decision.
func (r *Recent) Exact(decision string) (authz.Reason, bool) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	reason, ok := r.reasons[decision]
	return reason, ok
}
