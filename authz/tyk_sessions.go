package authz

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// TykSession is what this replica remembers of a session that a definition of
// Tyk gave to a token, so that it can be shown by the id that Tyk's users know.
// It holds no token and no secret, and grants nothing: rights are derived from
// each token anew.
type TykSession struct {
	ID       string // under which limits are counted
	Shown    string // TykJWTSessionID
	Org, API string // of the last request
	Issuer   string
	Identity string
	Policies []string
	Expires  time.Time // the latest exp; zero: never
	Seen     time.Time // when a token of it was last verified

	revocable Revocable
}

// Bounds of what a replica remembers. Beyond them the sessions whose tokens were
// verified longest ago are forgotten.
const (
	tykSessionsMost  = 65536
	tykSessionsBytes = 32 << 20
	tykSessionFrame  = 768 // what one costs beside its texts
	tykSessionMost   = 64 << 10
)

// tykSessions are the sessions that a replica has seen, by their own id and by
// the one that is shown: users of two issuers share the latter.
type tykSessions struct {
	mu    sync.Mutex
	byID  map[string]*list.Element
	shown map[string][]*list.Element
	order list.List // of *TykSession, the longest unseen first
	bytes int
}

// size is what a session counts for.
func (s *TykSession) size() int {
	n := tykSessionFrame + len(s.ID) + len(s.Shown) + len(s.Org) + len(s.API) + len(s.Issuer) + len(s.Identity) +
		len(s.revocable.JWTID) + len(s.revocable.Client) + len(s.revocable.Token)
	for _, id := range s.Policies {
		n += 16 + len(id)
	}
	return n
}

// note remembers a session whose token was verified the whole way.
func (t *tykSessions) note(s *TykSession) {
	if s.size() > tykSessionMost {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.byID[s.ID]; ok {
		if last := sessionIn(old); s.Expires.IsZero() || !last.Expires.IsZero() && last.Expires.After(s.Expires) {
			s.Expires = last.Expires // as Tyk, never shortened
		}
		t.forget(old)
	}
	if t.byID == nil {
		t.byID, t.shown = map[string]*list.Element{}, map[string][]*list.Element{}
	}
	e := t.order.PushBack(s)
	t.byID[s.ID] = e
	t.shown[s.Shown] = append(t.shown[s.Shown], e)
	t.bytes += s.size()
	for len(t.byID) > tykSessionsMost || t.bytes > tykSessionsBytes {
		t.forget(t.order.Front())
	}
}

func sessionIn(e *list.Element) *TykSession {
	s, _ := e.Value.(*TykSession)
	return s
}

func (t *tykSessions) forget(e *list.Element) {
	s := sessionIn(e)
	t.order.Remove(e)
	t.bytes -= s.size()
	delete(t.byID, s.ID)
	rest := slices.DeleteFunc(t.shown[s.Shown], func(o *list.Element) bool { return o == e })
	if len(rest) == 0 {
		delete(t.shown, s.Shown)
		return
	}
	t.shown[s.Shown] = rest
}

// named gives the sessions that an id means, the last seen first.
func (t *tykSessions) named(id string) []TykSession {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []TykSession
	if e, ok := t.byID[id]; ok {
		out = append(out, *sessionIn(e))
	}
	for _, e := range t.shown[id] {
		out = append(out, *sessionIn(e))
	}
	slices.SortStableFunc(out, func(a, b TykSession) int { return b.Seen.Compare(a.Seen) })
	return out
}

// remember keeps what can be shown of a session of a definition of Tyk.
func (d *decision) remember(s *session) {
	def := d.api.spec.Definition
	if def == nil || d.trace.on() {
		return
	}
	seen := &TykSession{
		ID: s.id, Shown: TykSessionID(d.api.spec.Org, s.subject, def.HashFunction), Org: d.api.spec.Org, API: d.api.spec.ID,
		Issuer: strings.Clone(s.issuer), Identity: strings.Clone(s.subject), Policies: s.grant.Policies(), Seen: d.now,
		revocable: s.revocable,
	}
	// Texts of a token are parts of it, and would keep the whole of it.
	r := &seen.revocable
	r.Issuer, r.Subject, r.JWTID, r.Client = seen.Issuer, seen.Identity, strings.Clone(r.JWTID), strings.Clone(r.Client)
	if s.dates.expState == jws.DatePresent {
		seen.Expires = s.dates.exp
	}
	d.e.sessions.note(seen)
}

// TykSessions gives the sessions that this replica has seen on definitions of Tyk
// under an id: their own, or TykJWTSessionID, which users of several issuers
// share. Those that were revoked are left out; the last seen comes first.
func (e *Engine) TykSessions(id string) []TykSession {
	now := e.options.Now()
	return slices.DeleteFunc(e.sessions.named(id), func(s TykSession) bool {
		if e.options.Revocations == nil {
			return false
		}
		ended, _ := e.options.Revocations.Ended(&s.revocable, now)
		return ended
	})
}

// Granted gives what policies of an org grant together.
func (s *Snapshot) Granted(org string, ids []string) (*policies.Grant, error) {
	return s.policies.Merge(org, ids)
}
