package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// KeySet is the state of one remote key set.
type KeySet struct {
	Name    string    // its URL without query and user
	Fetched time.Time // of the keys in use; zero before the first success
	Keys    int
	Failing bool // the last fetch failed
}

// keySets asks for the state of the key sets when somebody scrapes.
type keySets struct {
	list func() []KeySet
	now  func() time.Time

	age, keys, failing *prometheus.Desc
}

// WatchKeySets shows what list says of the remote key sets at every scrape. It
// is called once, before the metrics listener starts.
func (o *Obs) WatchKeySets(list func() []KeySet) {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"keyset"}, nil)
	}
	o.metrics.registry.MustRegister(&keySets{
		list: list, now: o.now,
		age:     desc("tollgate_keyset_age_seconds", "Age of the keys in use; absent until a fetch succeeded."),
		keys:    desc("tollgate_keyset_keys", "Usable keys of the set."),
		failing: desc("tollgate_keyset_last_fetch_failed", "1 when the last fetch of the set failed, else 0."),
	})
}

// Describe implements prometheus.Collector.
func (k *keySets) Describe(out chan<- *prometheus.Desc) {
	out <- k.age
	out <- k.keys
	out <- k.failing
}

// Collect implements prometheus.Collector. Two APIs may share a set: each name
// is shown once.
func (k *keySets) Collect(out chan<- prometheus.Metric) {
	seen := map[string]bool{}
	for _, set := range k.list() {
		name := Scrub(set.Name)
		if seen[name] {
			continue
		}
		seen[name] = true
		failing := 0.0
		if set.Failing {
			failing = 1
		}
		out <- prometheus.MustNewConstMetric(k.keys, prometheus.GaugeValue, float64(set.Keys), name)
		out <- prometheus.MustNewConstMetric(k.failing, prometheus.GaugeValue, failing, name)
		if !set.Fetched.IsZero() {
			out <- prometheus.MustNewConstMetric(k.age, prometheus.GaugeValue, k.now().Sub(set.Fetched).Seconds(), name)
		}
	}
}
