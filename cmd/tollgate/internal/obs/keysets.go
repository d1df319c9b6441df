package obs

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// KeySet is the state of one remote key set.
type KeySet struct {
	Name     string    // its URL without query and user
	Fetched  time.Time // of the keys in use; zero before the first success
	Next     time.Time // when it is fetched next; zero when nothing is planned
	Keys     int       // usable ones
	Unusable int
	Failing  bool // the last fetch failed
	Fetches  uint64
	Failures uint64 // of the fetches
}

// keySets asks for the state of the key sets when somebody scrapes.
type keySets struct {
	list func() []KeySet
	now  func() time.Time

	age, next, keys, unusable, failing, fetches *prometheus.Desc
}

// WatchKeySets shows what list says of the remote key sets at every scrape. It
// is called once, before the metrics listener starts.
func (o *Obs) WatchKeySets(list func() []KeySet) {
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{"keyset"}, more...), nil)
	}
	o.metrics.registry.MustRegister(&keySets{
		list: list, now: o.now,
		age:      desc("tollgate_keyset_age_seconds", "Age of the keys in use; absent until a fetch succeeded."),
		next:     desc("tollgate_keyset_next_refresh_timestamp_seconds", "When the set is fetched next."),
		keys:     desc("tollgate_keyset_keys", "Usable keys of the set."),
		unusable: desc("tollgate_keyset_unusable_keys", "Keys of the set that cannot be used; /readyz?verbose says why."),
		failing:  desc("tollgate_keyset_last_fetch_failed", "1 when the last fetch of the set failed, else 0."),
		fetches:  desc("tollgate_keyset_fetches_total", "Fetches of the set, by result (ok, failed).", "result"),
	})
}

// Describe implements prometheus.Collector.
func (k *keySets) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{k.age, k.next, k.keys, k.unusable, k.failing, k.fetches} {
		out <- desc
	}
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
		gauge := func(desc *prometheus.Desc, value float64) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, name)
		}
		count := func(result string, n uint64) {
			out <- prometheus.MustNewConstMetric(k.fetches, prometheus.CounterValue, float64(n), name, result)
		}
		failing := 0.0
		if set.Failing {
			failing = 1
		}
		gauge(k.keys, float64(set.Keys))
		gauge(k.unusable, float64(set.Unusable))
		gauge(k.failing, failing)
		if !set.Fetched.IsZero() {
			gauge(k.age, k.now().Sub(set.Fetched).Seconds())
		}
		if !set.Next.IsZero() {
			gauge(k.next, float64(set.Next.Unix()))
		}
		count("ok", set.Fetches-min(set.Failures, set.Fetches))
		count("failed", set.Failures)
	}
}
