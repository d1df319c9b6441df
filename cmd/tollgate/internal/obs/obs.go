package obs

import (
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Options are what an Obs is made of.
type Options struct {
	Logger *slog.Logger
	// AllowSample is the share of allowed requests that are logged, 0 to 1.
	AllowSample float64
	Build       Build
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	plain bool // the hook of the canary test: nothing is taken out of labels
}

// Obs counts and logs what the engine does.
type Obs struct {
	log     *slog.Logger
	metrics *metrics
	floods  floods
	sample  atomic.Uint64 // bits of a float64
	now     func() time.Time
}

var _ authz.Observer = (*Obs)(nil)

// New makes an Obs; its metrics are empty until the first SetReload.
func New(o Options) (*Obs, error) {
	if o.Logger == nil {
		return nil, errors.New("observation needs a logger: give Options.Logger")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	var reasons []authz.Reason
	for _, row := range authz.Rows() {
		reasons = append(reasons, row.Reason)
	}
	obs := &Obs{
		log:     o.Logger,
		metrics: newMetrics(o, reasons),
		floods:  newFloods(reasons),
		now:     o.Now,
	}
	obs.SetAllowSample(o.AllowSample)
	return obs, nil
}

// SetAllowSample changes log.allow_sample; a reload calls it.
func (o *Obs) SetAllowSample(share float64) {
	o.sample.Store(math.Float64bits(share))
}

// SetReload records one attempt to load the configuration.
func (o *Obs) SetReload(reload Reload) {
	o.metrics.reloads.record(reload, o.now())
	if reload.Err == nil {
		o.metrics.checks.load(reload.APIs)
	}
}

func (o *Obs) sampled() bool {
	share := math.Float64frombits(o.sample.Load())
	return share > 0 && rand.Float64() < share //nolint:gosec // which lines are logged is no secret
}
