package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reload is one attempt to load the configuration, the first one included.
type Reload struct {
	Hash       string // of what was read
	Generation uint64 // of the snapshot that decides from now on
	APIs       []string
	Err        error
}

type reloadMetrics struct {
	attempts   *prometheus.CounterVec
	success    prometheus.Gauge
	attempted  prometheus.Gauge
	applied    prometheus.Gauge
	generation prometheus.Gauge
	config     *prometheus.GaugeVec
}

func newReloadMetrics(registry prometheus.Registerer) reloadMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	m := reloadMetrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tollgate_config_loads_total", Help: "Attempts to load the configuration, by result (applied, refused).",
		}, []string{"result"}),
		success:    gauge("tollgate_config_last_load_successful", "1 when the last attempt to load the configuration was applied, else 0."),
		attempted:  gauge("tollgate_config_last_load_timestamp_seconds", "When the configuration was last read."),
		applied:    gauge("tollgate_config_applied_timestamp_seconds", "When the configuration that decides was applied."),
		generation: gauge("tollgate_config_generation", "Generation of the configuration that decides."),
		config: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tollgate_config_info", Help: "Hash of the configuration last read (attempted) and of the one that decides (applied).",
		}, []string{"state", "hash"}),
	}
	registry.MustRegister(m.attempts, m.success, m.attempted, m.applied, m.generation, m.config)
	return m
}

func (m *reloadMetrics) record(reload Reload, now time.Time) {
	seconds := float64(now.UnixMilli()) / 1000
	m.attempted.Set(seconds)
	m.info("attempted", reload.Hash)
	if reload.Err != nil {
		m.attempts.WithLabelValues("refused").Inc()
		m.success.Set(0)
		return
	}
	m.attempts.WithLabelValues("applied").Inc()
	m.success.Set(1)
	m.applied.Set(seconds)
	m.generation.Set(float64(reload.Generation))
	m.info("applied", reload.Hash)
}

// info keeps one series per state.
func (m *reloadMetrics) info(state, hash string) {
	m.config.DeletePartialMatch(prometheus.Labels{"state": state})
	m.config.WithLabelValues(state, hash).Set(1)
}
