package obs

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
)

// Build says which program runs.
type Build struct {
	Version  string
	Revision string
}

func (b Build) register(registry prometheus.Registerer) {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tollgate_build_info", Help: "Always 1; the labels say which program runs.",
	}, []string{"version", "revision", "goversion"})
	info.WithLabelValues(b.Version, b.Revision, runtime.Version()).Set(1)
	registry.MustRegister(info)
}
