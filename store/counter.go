package store

import (
	"context"

	"github.com/tollgate-authz/tollgate/store/limit"
)

// Step is what Count does to the counters of an id.
type Step byte

// The steps. Take with cost 0 only looks.
const (
	Take  Step = 't' // charge all limits or none
	Reset Step = 'r' // forget what was charged on these limits
	TopUp Step = 'u' // add cost permits to the running period of these quotas
)

// Counter counts requests against limits, in the values of store/limit.
type Counter interface {
	// Count applies one step, atomically, to the record of an id: every limit of
	// the charge or none. In process the charge's clock counts, in a shared store
	// that of the store. A step that is not acknowledged in time may have been
	// charged: it is never tried again. Counting is not writing: what is counted
	// is as durable as the backend says.
	Count(ctx context.Context, id string, step Step, c *limit.Charge) (limit.Verdict, error)
}

// Apply is one step on a record, as every in-process driver takes it.
func Apply(dst, record []byte, step Step, c *limit.Charge) ([]byte, limit.Verdict) {
	switch step {
	case Reset:
		return limit.Reset(dst, record, c)
	case TopUp:
		return limit.TopUp(dst, record, c)
	case Take:
	}
	return limit.Take(dst, record, c)
}
