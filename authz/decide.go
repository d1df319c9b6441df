package authz

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/split"
	"github.com/tollgate-authz/tollgate/policies"
)

// decision is one request on its way through the walk of doc.go.
type decision struct {
	e     *Engine
	snap  *Snapshot
	req   Request
	line  Line
	now   time.Time
	trace *Trace
	id    string

	target  policies.Target
	api     *api
	passed  bool // no token is needed: public, preflight, unmatched
	found   located
	token   string       // the compact token, restored where a half was shown
	whole   *split.Whole // the same, nil where no half was shown
	kind    CredentialKind
	session *session
	cached  bool
	granted bool // the walk came to the grant
	rights  policies.Verdict
	ask     Ask // of the limits
	taken   Taken
	broom   broom
	// degraded names what was used instead of an exact answer (contract section 7).
	degraded string
}

// PanicError is a panic during a decision. Observers log the stack.
type PanicError struct {
	Value string
	Stack []byte
}

// Error names the panic.
func (e *PanicError) Error() string { return "panic: " + e.Value }

// answer decides and never fails: a panic is a denial like any other trouble of
// ours, also where the API only observes.
func (d *decision) answer(ctx context.Context) (out Answer, why *denial) {
	defer func() {
		if p := recover(); p != nil {
			cause := &PanicError{Value: fmt.Sprint(p), Stack: debug.Stack()}
			why = &denial{reason: Internal, err: cause}
			out = d.refuse(why, style{}) // the request may be what panics
		}
	}()
	why = d.walk(ctx)
	if why != nil {
		d.trace.refuse(why.reason)
	}
	switch {
	case d.api != nil && d.api.spec.Observe && !d.passed:
		return d.observe(why), why
	case why != nil:
		return d.refuse(why, styleOf(d.req, d.api != nil && d.api.spec.TykErrors)), why
	}
	return d.allow(), nil
}

// walk takes the steps in order; the first that refuses ends it.
func (d *decision) walk(ctx context.Context) *denial {
	if d.snap == d.e.none {
		return &denial{reason: Internal, err: errNotReady}
	}
	d.line = d.req.Line()
	if why := d.match(); why != nil || d.passed {
		return why
	}
	if d.route(); d.passed {
		return nil
	}
	if why := d.locate(); why != nil {
		return why
	}
	if why := d.restore(ctx); why != nil {
		return why
	}
	if why := d.establish(ctx); why != nil {
		return why
	}
	if why := d.permit(); why != nil {
		return why
	}
	if why := d.limit(ctx); why != nil {
		return why
	}
	if err := ctx.Err(); err != nil {
		return &denial{reason: Internal, err: err} // nobody waits for this answer any more
	}
	return nil
}

// match reads the request line and chooses the API (contract section 4).
func (d *decision) match() *denial {
	d.trace.step("target")
	host, hostOK := hostOf(d.line.Host)
	target, err := policies.ParseTarget(d.line.Target)
	d.target = target
	malformed := d.line.Malformed || !hostOK || err != nil
	if malformed {
		d.trace.fact("cause", malformedCause(d.line.Malformed, hostOK, err))
	} else {
		d.trace.fact("host", host)
		d.trace.fact("path", target.Path)
	}
	if malformed && !d.line.HasAPI {
		return denied(RequestMalformed)
	}
	var a *api
	if d.line.HasAPI {
		a = d.snap.byID[d.line.API]
	} else {
		a = d.snap.hosts.find(host, target.Path)
	}
	if malformed {
		if a != nil && !a.spec.Inactive {
			d.api = a
		}
		return denied(RequestMalformed)
	}
	a, clear := d.sibling(a)
	if !clear {
		d.api = a
		return denied(RequestMalformed)
	}
	d.trace.step("match")
	switch {
	case a != nil && !a.spec.Inactive:
		d.api = a
		d.trace.fact("api", a.spec.ID)
		return nil
	case a == nil && !d.line.HasAPI && d.snap.unmatched:
		d.passed = true
		d.trace.fact("pass", "insecure_unmatched")
		return nil
	}
	return denied(APIUnknown)
}

func malformedCause(message, hostOK bool, err error) string {
	switch {
	case message:
		return "the front's message lacks what a request must have"
	case !hostOK:
		return "the host is ambiguous"
	}
	return err.Error()
}

// route lets through what needs no token: public routes and, where the API says
// so, exact CORS preflights.
func (d *decision) route() {
	d.trace.step("route")
	if d.api.public.Match(d.line.Method, d.target) {
		d.passed = true
		d.trace.fact("pass", "public")
		return
	}
	if !d.api.spec.PreflightAllow || d.line.Method != "OPTIONS" {
		return
	}
	_, origin := d.req.Header("origin", 0)
	_, method := d.req.Header("access-control-request-method", 0)
	if origin && method {
		d.passed = true
		d.trace.fact("pass", "preflight")
	}
}

// locate finds the credential of the request.
func (d *decision) locate() *denial {
	d.trace.step("locate")
	found, reason := d.api.location.locate(d.req, d.line.Target)
	d.found = found
	d.trace.fact("place", found.from)
	if reason != "" {
		return &denial{reason: reason, early: reason == TokenMalformed}
	}
	return nil
}

// permit asks the grant for this method and path, and the route for its scopes.
func (d *decision) permit() *denial {
	d.trace.step("access")
	d.granted = true
	s := d.session
	if why := d.version(); why != nil {
		return why
	}
	d.rights = s.rights.Permits(d.line.Method, d.target, s.scopes)
	switch d.rights.Permission {
	case policies.Allowed:
	case policies.Insufficient:
		return &denial{reason: ScopeInsufficient, scopes: d.rights.Needed}
	case policies.Refused:
		why := denied(AccessRefused)
		if s.rights == nil {
			why.tyk = errTykAPI
			d.trace.fact("cause", "no policy grants anything on this API")
		}
		return why
	}
	if need := d.line.RequireScopes; need != "" && !s.scopes.CoverText(need) {
		return &denial{reason: ScopeInsufficient, scopes: strings.Fields(need)}
	}
	return nil
}

// limit takes what the request costs.
func (d *decision) limit(ctx context.Context) *denial {
	d.trace.step("limits")
	limiter := d.e.options.Limiter
	d.skipLimits()
	if limiter == nil || (d.rights.Rate == nil && d.rights.Quota == nil && d.api.spec.Limits.Rate == nil) {
		return nil
	}
	d.ask = Ask{
		API: &d.api.spec, Session: d.session.id, Rate: d.rights.Rate, Quota: d.rights.Quota,
		Now: d.now, Peek: d.trace.on(),
		of: &d.api.limits, table: d.snap.limits, record: d.session.record,
	}
	taken, err := limiter.Take(ctx, &d.ask)
	if err != nil {
		return &denial{reason: StoreUnavailable, err: err}
	}
	d.taken = taken
	d.degrade(taken.Degraded)
	d.trace.fact("limit", taken.Limit)
	d.trace.fact("remaining", taken.Remaining)
	if taken.Reason == "" {
		return nil
	}
	why := &denial{reason: taken.Reason, retryAfter: taken.RetryAfter, headers: taken.Headers}
	if taken.AllCallers {
		why.tyk = "API Rate Limit Exceeded"
	}
	return why
}

// skipLimits leaves out the limits of policies that the API switches off.
func (d *decision) skipLimits() {
	if d.api.spec.Limits.SkipRate {
		d.rights.Rate = nil
	}
	if d.api.spec.Limits.SkipQuota {
		d.rights.Quota = nil
	}
}

// degrade notes that an answer was given on less than the configuration asks for.
func (d *decision) degrade(how string) {
	if how == "" {
		return
	}
	if d.degraded != "" {
		how = d.degraded + "," + how
	}
	d.degraded = how
	d.trace.fact("degraded", how)
}
