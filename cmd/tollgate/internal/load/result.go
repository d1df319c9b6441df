package load

import "time"

// Result is what one run measured.
type Result struct {
	Name      string           `json:"name"`
	Checks    int64            `json:"checks"`
	Took      time.Duration    `json:"took_ns"`
	PerSecond float64          `json:"checks_per_second"`
	CPU       time.Duration    `json:"cpu_per_check_ns,omitempty"` // 0: not known
	P50       time.Duration    `json:"p50_ns"`
	P90       time.Duration    `json:"p90_ns"`
	P99       time.Duration    `json:"p99_ns"`
	P999      time.Duration    `json:"p999_ns"`
	Max       time.Duration    `json:"max_ns"`
	Errors    int64            `json:"errors"`   // calls that failed
	Mistakes  int64            `json:"mistakes"` // answers that were not the right ones
	Samples   map[string]int64 `json:"samples,omitempty"`
}

// Clean says whether every check was answered, and rightly.
func (r *Result) Clean() bool { return r.Checks > 0 && r.Errors == 0 && r.Mistakes == 0 }

func newResult(name string, t *tally, took time.Duration) *Result {
	h := &t.latencies
	return &Result{
		Name: name, Checks: int64(h.total), Took: took, PerSecond: float64(h.total) / took.Seconds(),
		P50: h.quantile(0.5), P90: h.quantile(0.9), P99: h.quantile(0.99), P999: h.quantile(0.999), Max: h.max,
		Errors: t.errors, Mistakes: t.mistakes, Samples: t.samples,
	}
}
