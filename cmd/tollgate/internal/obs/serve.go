package obs

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Condition is one thing that /readyz looks at.
type Condition struct {
	Name   string
	OK     bool
	Detail string // why not, or what is worth knowing
	// Advisory conditions are shown by ?verbose and hold nobody up: one API
	// without keys does not take the service away from the others.
	Advisory bool
}

// Handler serves /metrics, /livez and /readyz. ready is asked at every probe.
func (o *Obs) Handler(ready func() []Condition) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.metrics.registry, promhttp.HandlerOpts{
		Registry:            o.metrics.registry,
		MaxRequestsInFlight: 4,
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status, report := readiness(ready())
		if !r.URL.Query().Has("verbose") && status == http.StatusOK {
			report = "ok\n"
		}
		answer(w, status, report)
	})
	return mux
}

func readiness(conditions []Condition) (status int, report string) {
	status = http.StatusOK
	var lines strings.Builder
	for _, c := range conditions {
		mark := "[+]"
		if !c.OK {
			mark = "[-]"
			if !c.Advisory {
				status = http.StatusServiceUnavailable
			}
		}
		fmt.Fprintf(&lines, "%s %s", mark, c.Name)
		if c.Detail != "" {
			fmt.Fprintf(&lines, ": %s", Scrub(oneLine(c.Detail)))
		}
		lines.WriteByte('\n')
	}
	if status == http.StatusOK {
		lines.WriteString("ready\n")
	} else {
		lines.WriteString("not ready\n")
	}
	return status, lines.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body)) // a prober that went away
}
