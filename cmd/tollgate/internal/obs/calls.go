package obs

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tollgate-authz/tollgate/envoy"
)

// calls shows what the adapter counts, which knows of calls that no decision was
// made about, when somebody scrapes.
type calls struct {
	counts func() envoy.Counts

	failed, odd, inFlight *prometheus.Desc
}

// WatchCalls shows what counts says of the calls of listen.check at every scrape.
// It is called once, before the metrics listener starts.
func (o *Obs) WatchCalls(counts func() envoy.Counts) {
	o.metrics.registry.MustRegister(&calls{
		counts:   counts,
		failed:   prometheus.NewDesc("tollgate_calls_failed_total", "Calls that failed without a decision, by cause.", []string{"cause"}, nil),
		odd:      prometheus.NewDesc("tollgate_calls_odd_total", "Decisions that were out of order, by what happened.", []string{"kind"}, nil),
		inFlight: prometheus.NewDesc("tollgate_calls_in_flight", "Calls that are being decided now.", nil, nil),
	})
}

// Describe implements prometheus.Collector.
func (c *calls) Describe(out chan<- *prometheus.Desc) {
	out <- c.failed
	out <- c.odd
	out <- c.inFlight
}

// Collect implements prometheus.Collector.
func (c *calls) Collect(out chan<- prometheus.Metric) {
	n := c.counts()
	count := func(desc *prometheus.Desc, what string, value uint64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(value), what)
	}
	count(c.failed, "unready", n.Unready)
	count(c.failed, "undecodable", n.Undecodable)
	count(c.failed, "too_large", n.TooLarge)
	count(c.odd, "panic", n.Panics)
	count(c.odd, "invalid_edit", n.Invalid)
	count(c.odd, "dropped_value", n.Dropped)
	count(c.odd, "late", n.Late)
	count(c.odd, "canceled", n.Canceled)
	out <- prometheus.MustNewConstMetric(c.inFlight, prometheus.GaugeValue, float64(n.InFlight))
}
