package obs

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tollgate-authz/tollgate/authz"
)

// Label values of api that no API has, since ids of APIs hold no blank.
const (
	apiNone  = "(none)"  // the request matched no API
	apiOther = "(other)" // an API that the loaded configuration does not name
	other    = "other"
)

// checks counts decisions by api, decision and reason. The labels of a request
// are found without hashing them: one look-up per API, one per reason.
type checks struct {
	vec     *prometheus.CounterVec
	reasons map[authz.Reason]int // index into apiChecks.cells; 0 is ""
	names   []string
	apis    atomic.Pointer[map[string]*apiChecks]
}

// apiChecks holds the counters of one API. A cell is made when it is first
// needed and kept: 1,000 APIs times 33 reasons times 3 outcomes, all made at
// load, would be 100,000 series that stay zero.
type apiChecks struct {
	api   string
	cells [authz.Observed + 1][]atomic.Pointer[cell]
}

type cell struct{ prometheus.Counter }

func newChecks(registry prometheus.Registerer, reasons []authz.Reason) *checks {
	c := &checks{
		vec: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tollgate_checks_total",
			Help: "Decisions by API, outcome (allow, deny, observed) and reason code.",
		}, []string{"api", "decision", "reason"}),
		reasons: map[authz.Reason]int{"": 0},
		names:   []string{""},
	}
	for _, reason := range reasons {
		c.reasons[reason] = len(c.names)
		c.names = append(c.names, string(reason))
	}
	c.names = append(c.names, other)
	registry.MustRegister(c.vec)
	c.load(nil)
	return c
}

// load takes the ids of the APIs of a new snapshot. What an API counted stays,
// the series of an API that is gone go with it.
func (c *checks) load(ids []string) {
	old := c.apis.Load()
	next := make(map[string]*apiChecks, len(ids)+2)
	for _, id := range append([]string{apiNone, apiOther}, ids...) {
		if old != nil && (*old)[id] != nil {
			next[id] = (*old)[id]
			continue
		}
		next[id] = c.newAPI(id)
	}
	c.apis.Store(&next)
	if old == nil {
		return
	}
	for id := range *old {
		if next[id] == nil {
			c.vec.DeletePartialMatch(prometheus.Labels{"api": id})
		}
	}
}

// newAPI resolves the counter of allowed requests, which every API needs.
func (c *checks) newAPI(id string) *apiChecks {
	api := &apiChecks{api: id}
	for outcome := range api.cells {
		api.cells[outcome] = make([]atomic.Pointer[cell], len(c.names))
	}
	if id != apiOther {
		c.cell(api, authz.Allow, 0)
	}
	return api
}

func (c *checks) count(info *authz.DecisionInfo) {
	apis := *c.apis.Load()
	id := info.API
	if id == "" {
		id = apiNone
	}
	api := apis[id]
	if api == nil {
		api = apis[apiOther]
	}
	reason, known := c.reasons[info.Reason]
	if !known {
		reason = len(c.names) - 1
	}
	c.cell(api, min(info.Outcome, authz.Observed), reason).Inc()
}

func (c *checks) cell(api *apiChecks, outcome authz.Outcome, reason int) prometheus.Counter {
	slot := &api.cells[outcome][reason]
	if found := slot.Load(); found != nil {
		return found
	}
	made := &cell{c.vec.WithLabelValues(api.api, outcome.String(), c.names[reason])}
	slot.Store(made)
	return made
}
