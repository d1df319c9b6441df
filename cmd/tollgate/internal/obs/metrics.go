package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/tollgate-authz/tollgate/authz"
)

// metrics are all that /metrics shows. docs/metrics.md lists them; a test holds
// the two together. Checks stand in checks.go, dependencies and degradations in
// capped.go, reloads in reload.go, key sets in keysets.go, calls
// of the front in calls.go.
type metrics struct {
	registry   *prometheus.Registry
	checks     *checks
	latency    [authz.Observed + 1]prometheus.Observer
	cacheHits  prometheus.Counter
	suppressed prometheus.Counter
	degraded   *capped[prometheus.Counter]
	asked      *capped[prometheus.Counter]
	askedTook  *capped[prometheus.Observer]
	reloads    reloadMetrics
}

// latencyBuckets reach from a warm check to a caller's patience.
func latencyBuckets() []float64 {
	return []float64{
		25e-6, 50e-6, 100e-6, 250e-6, 500e-6,
		1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1, 2.5,
	}
}

func newMetrics(o Options, reasons []authz.Reason) *metrics {
	registry := prometheus.NewRegistry()
	m := &metrics{registry: registry, checks: newChecks(registry, reasons)}
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tollgate_check_duration_seconds", Help: "Time to decide, by outcome.", Buckets: latencyBuckets(),
	}, []string{"decision"})
	for outcome := range m.latency {
		m.latency[outcome] = latency.WithLabelValues(authz.Outcome(outcome).String())
	}
	m.cacheHits = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tollgate_token_cache_hits_total", Help: "Decisions whose token was found in the cache of verified tokens.",
	})
	m.suppressed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tollgate_log_lines_suppressed_total", Help: "Lines about denials that were left out of the log for their number.",
	})
	registry.MustRegister(latency, m.cacheHits, m.suppressed)
	m.dependencies(registry, o.plain)
	m.reloads = newReloadMetrics(registry)
	o.Build.register(registry)
	return m
}

func (m *metrics) dependencies(registry prometheus.Registerer, plain bool) {
	degraded := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_degraded_total", Help: "Decisions made without a dependency, by what was used instead.",
	}, []string{"kind"})
	asked := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tollgate_dependency_requests_total", Help: "Uses of something outside the process, by result.",
	}, []string{"dependency", "result"})
	took := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tollgate_dependency_duration_seconds", Help: "Time that a dependency took.", Buckets: latencyBuckets(),
	}, []string{"dependency"})
	registry.MustRegister(degraded, asked, took)
	m.degraded = newCapped(plain, func(kind, _ string) prometheus.Counter { return degraded.WithLabelValues(kind) })
	m.asked = newCapped(plain, func(name, result string) prometheus.Counter { return asked.WithLabelValues(name, result) })
	m.askedTook = newCapped(plain, func(name, _ string) prometheus.Observer { return took.WithLabelValues(name) })
}

func (m *metrics) decision(info *authz.DecisionInfo) {
	m.checks.count(info)
	m.latency[min(info.Outcome, authz.Observed)].Observe(info.Took.Seconds())
	if info.Cached {
		m.cacheHits.Inc()
	}
	if info.Degraded != "" {
		m.degraded.get(info.Degraded, "").Inc()
	}
}

func (m *metrics) dependency(name, result string, took time.Duration) {
	m.asked.get(name, result).Inc()
	m.askedTook.get(name, "").Observe(took.Seconds())
}
