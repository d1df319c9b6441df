package doctor

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// Running is what a running tollgate tells of itself.
type Running struct {
	Where   string // where it was asked
	Version string
	Applied string // hash of the configuration that decides
	Refused bool   // the last attempt to load one was refused
	Why     []string
	Restart []string // settings that wait for one
	Store   string   // "ok", "none", what is wrong, or "" where nobody says
	Unready []string // conditions that keep it from being ready
	Lacking []string // conditions that are advice

	series map[string]float64 // of /metrics
}

// ErrNoMetrics says that a text is not what the metrics listener answers.
var ErrNoMetrics = errors.New("this is not what a metrics listener of tollgate answers")

// ReadMetrics reads what the metrics listener tells: /metrics, and the lines of
// /readyz?verbose.
func ReadMetrics(where, metrics, readyz string) (*Running, error) {
	r := &Running{Where: where, series: map[string]float64{}}
	for line := range strings.Lines(metrics) {
		end := strings.LastIndexByte(line, ' ')
		if end < 0 || !strings.HasPrefix(line, "tollgate_") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[end:]), 64)
		if err != nil {
			return nil, ErrNoMetrics
		}
		r.series[line[:end]] = value
	}
	build, ok := r.labelled("tollgate_build_info", "version")
	if !ok {
		return nil, ErrNoMetrics
	}
	r.Version = build
	r.Applied, _ = r.labelled(`tollgate_config_info`, "hash", `state="applied"`)
	r.Refused = r.series["tollgate_config_last_load_successful"] == 0
	ready := true
	for line := range strings.Lines(readyz) {
		line = strings.TrimSpace(line)
		if condition, failed := strings.CutPrefix(line, "[-] "); failed {
			r.Lacking = append(r.Lacking, condition)
		}
		ready = ready && line != "not ready"
	}
	if !ready { // which of them keep it from being ready is not told
		r.Unready, r.Lacking = r.Lacking, nil
	}
	return r, nil
}

// labelled gives a label of the first series of a name that has all of these.
func (r *Running) labelled(name, label string, having ...string) (string, bool) {
	for series := range r.series {
		labels, ok := labelsOf(series, name)
		if !ok || slices.ContainsFunc(having, func(pair string) bool { return !strings.Contains(labels, pair) }) {
			continue
		}
		if _, rest, found := strings.Cut(labels, ","+label+`="`); found {
			value, _, _ := strings.Cut(rest, `"`)
			return value, true
		}
	}
	return "", false
}

// labelsOf gives the labels of a series of a name, each with a comma before it.
func labelsOf(series, name string) (string, bool) {
	labels, ok := strings.CutPrefix(series, name+"{")
	return "," + labels, ok
}

// total adds all series of a name with a label that is one of these, or any.
func (r *Running) total(name, label string, of ...string) float64 {
	sum := 0.0
	for series, value := range r.series {
		labels, ok := labelsOf(series, name)
		if ok && (len(of) == 0 || slices.ContainsFunc(of, func(one string) bool { return strings.Contains(labels, ","+label+`="`+one+`"`) })) {
			sum += value
		}
	}
	return sum
}

// ReadStatus reads what the admin API tells.
func ReadStatus(where string, status *adminv1.GetStatusResponse) *Running {
	applied, attempted := status.GetApplied(), status.GetAttempted()
	r := &Running{
		Where: where, Version: status.GetVersion(), Applied: applied.GetHash(), Restart: status.GetNeedsRestart(), Store: status.GetStore(),
		Refused: applied.GetHash() != attempted.GetHash() || applied.GetTime().AsTime().Before(attempted.GetTime().AsTime()),
	}
	if r.Refused {
		r.Why = attempted.GetProblems()
	}
	return r
}

// examineCounters looks at counters that should stand at nothing.
func (r *Running) examineCounters(out report) {
	number := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) + " since its start" }
	if n := r.total("tollgate_calls_odd_total", "kind", "panic") + r.total("tollgate_checks_total", "reason", "internal"); n > 0 {
		out.add("own_fault", Problem, "it has denied requests for a fault of its own: "+number(n), "look for panic in its log, and report it")
	}
	if n := r.total("tollgate_checks_total", "reason", "keys_unavailable", "store_unavailable", "revocation_stale"); n > 0 {
		out.add("dependency", Warning, "it has denied requests since a key set, the store or its feed could not be asked: "+number(n),
			"look at tollgate_dependency_requests_total and at /readyz?verbose")
	}
	if n := r.total("tollgate_degraded_total", "kind"); n > 0 {
		out.add("degraded", Warning, "it has decided without the store, as on_store_failure and on_stale say: "+number(n), "look after the store")
	}
	if n := r.total("tollgate_calls_failed_total", "cause", "undecodable", "too_large"); n > 0 {
		out.add("undecided", Warning, "the front has sent messages that cannot be decided: "+number(n),
			"take with_request_body out of the front's filter, and bound headers there at 60 KiB")
	}
	if n := r.total("tollgate_calls_odd_total", "kind", "late"); n > 0 {
		out.add("late", Warning, "decisions came after the front had given up: "+number(n), "give the front's filter a timeout of 0.5s, and the service processors")
	}
}

// Examine finds what is wrong with a running tollgate. hash is that of the
// configuration that it should run, "" where that is not known.
func (r *Running) Examine(hash string) []Finding {
	var found []Finding
	out := report{where: r.Where, found: &found}
	for _, condition := range r.Unready {
		out.add("not_ready", Problem, "it is not ready: "+condition, "see to that; until then the front has nobody to ask")
	}
	for _, condition := range r.Lacking {
		out.add("keys_missing", Warning, condition, "see to the key set: the API answers keys_unavailable")
	}
	if r.Refused {
		what := "the last file was refused, and the one before it decides"
		if len(r.Why) > 0 {
			what += ": " + strings.Join(r.Why, "; ")
		}
		out.add("config_refused", Warning, what, "run tollgate validate on its file")
	}
	if hash != "" && r.Applied != "" && hash != r.Applied {
		out.add("config_differs", Warning, "it decides by configuration "+r.Applied+", and the file is "+hash, "roll the file out, or reload")
	}
	for _, setting := range r.Restart {
		out.add("needs_restart", Warning, "a change waits for a restart: "+setting, "restart it")
	}
	if r.Store != "" && r.Store != "ok" && r.Store != "none" {
		out.add("store", Problem, "its store: "+r.Store, "run tollgate store check")
	}
	r.examineCounters(out)
	return order(found)
}

// Replicas finds in what replicas differ.
func Replicas(all []*Running) []Finding {
	var found []Finding
	for _, r := range all[min(1, len(all)):] {
		out := report{where: r.Where, found: &found}
		if first := all[0]; r.Applied != first.Applied {
			out.add("replicas_config", Warning, "it decides by configuration "+r.Applied+", and "+first.Where+" by "+first.Applied, "give all replicas one file")
		}
		if first := all[0]; r.Version != first.Version {
			out.add("replicas_version", Advice, "it is version "+r.Version+", and "+first.Where+" is "+first.Version, "finish the update")
		}
	}
	return order(found)
}

// Unreachable is what is found of a listener that does not answer.
func Unreachable(where string, err error) []Finding {
	var found []Finding
	report{where: where, found: &found}.add("unreachable", Problem, "it does not answer: "+err.Error(), "start it, or give the address of its listener")
	return found
}
