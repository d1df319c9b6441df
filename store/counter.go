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

// Part is one of the two records of a request that is counted on both.
type Part struct {
	ID     string
	Charge *limit.Charge

	// What came of it. Err is that of this record alone: the other one may have
	// been counted on.
	Verdict limit.Verdict
	Err     error
}

// Counter counts requests against limits, in the values of store/limit.
type Counter interface {
	// Count applies one step, atomically, to the record of an id: every limit of
	// the charge or none. In process the charge's clock counts, in a shared store
	// that of the store. A step that is not acknowledged in time may have been
	// charged: it is never tried again. Counting is not writing: what is counted
	// is as durable as the backend says.
	Count(ctx context.Context, id string, step Step, c *limit.Charge) (limit.Verdict, error)
	// CountBoth takes a request from two records, that of its caller and one that
	// all callers share: from both or from none. Where the two cannot be reached in
	// one step (Redis Cluster) they are taken from at the same time, each by itself.
	CountBoth(ctx context.Context, own, shared *Part)
	// Counted gives the record of an id as it is, empty where nothing is counted.
	Counted(ctx context.Context, id string) ([]byte, error)
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
