package load

import (
	"fmt"
	"time"
)

// Plan says how much is asked. It is bounded in time, and in number when
// Requests is set.
type Plan struct {
	Connections int           // to the service
	InFlight    int           // checks at once, over all connections
	Rate        float64       // checks a second, due at even times; 0: as many as are answered
	Warmup      time.Duration // before anything is counted
	Duration    time.Duration
	Requests    int64 // at most; 0: as many as Duration takes
}

// The bounds of a plan.
const (
	maxConnections = 1024
	maxInFlight    = 65536
	maxDuration    = time.Hour
	maxRate        = 10_000_000
)

// Check says what is wrong with a plan.
func (p Plan) Check() error {
	switch {
	case p.Connections < 1 || p.Connections > maxConnections:
		return fmt.Errorf("%d connections: use 1 to %d", p.Connections, maxConnections)
	case p.InFlight < p.Connections || p.InFlight > maxInFlight:
		return fmt.Errorf("%d checks at once: use one per connection to %d", p.InFlight, maxInFlight)
	case p.Rate < 0 || p.Rate > maxRate:
		return fmt.Errorf("%g checks a second: use 0 (closed loop) to %d", p.Rate, maxRate)
	case p.Duration <= 0 || p.Duration > maxDuration || p.Warmup < 0 || p.Warmup > maxDuration:
		return fmt.Errorf("a run of %s after %s: use up to %s", p.Duration, p.Warmup, maxDuration)
	case p.Requests < 0:
		return fmt.Errorf("%d requests: use 0 (no bound but time) or more", p.Requests)
	}
	return nil
}
