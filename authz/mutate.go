package authz

import (
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// allow builds the answer that lets the request through.
func (d *decision) allow() Answer {
	d.trace.step("mutate")
	out := Answer{Outcome: Allow, ID: d.id}
	if d.passed {
		out.Edits = d.sweep(&d.snap.bare, d.snap.bare.removal)
	} else {
		out.Edits = d.credentialEdits(d.sweep(&d.api.edits, d.sessionEdits()))
	}
	d.traceEdits(out.Edits)
	out.Headers = d.answerHeaders()
	out.Metadata = d.metadata(Allow, "")
	return out
}

// observe lets the request through whatever enforcing would have said. Its only
// edits: managed headers removed, a split half replaced.
func (d *decision) observe(why *denial) Answer {
	d.trace.step("mutate")
	out := Answer{Outcome: Observed, ID: d.id}
	if why != nil {
		out.Reason = why.reason
	}
	out.Edits = d.sweep(&d.snap.bare, d.snap.bare.removal)
	if d.kind == KindSplit && d.token != d.found.raw {
		out.Edits = d.replaceHalf(slices.Clip(out.Edits))
	}
	d.traceEdits(out.Edits)
	out.Headers = d.answerHeaders()
	out.Metadata = d.metadata(Observed, out.Reason)
	return out
}

// refuse builds the answer that the client gets instead.
func (d *decision) refuse(why *denial, styled style) Answer {
	out := Answer{Outcome: Deny, Reason: why.reason, ID: d.id}
	d.snap.answers.deny(&out, why, styled)
	out.Metadata = d.metadata(Deny, why.reason)
	return out
}

func (d *decision) answerHeaders() []Header {
	headers := make([]Header, 0, 1+len(d.taken.Headers))
	headers = append(headers, d.taken.Headers...)
	return append(headers, Header{Name: headerDecision, Value: d.id})
}

func (d *decision) metadata(outcome Outcome, reason Reason) Metadata {
	m := Metadata{Decision: d.id, Outcome: outcome.String(), Reason: string(reason), Config: d.snap.config}
	if d.api != nil {
		m.API = d.api.spec.ID
	}
	if s := d.session; s != nil && !d.passed {
		m.Subject, m.Session = s.shownSubject, s.id
		if d.granted {
			m.Policies = s.grant.PoliciesText()
		}
	}
	m.Limit, m.Remaining, m.Degraded = d.taken.Limit, d.taken.Remaining, d.degraded
	return m
}

// sweep adds to edits the removal of every reserved or managed header that the
// request carries in another spelling or that nobody injects. edits is shared
// and is not changed.
func (d *decision) sweep(t *template, edits []Edit) []Edit {
	d.broom = broom{t: t}
	d.req.Names(d.broom.note)
	seen := d.broom.seen
	if len(seen) == 0 {
		return edits
	}
	slices.Sort(seen)
	out := slices.Clip(edits)
	for _, name := range slices.Compact(seen) {
		out = append(out, Edit{Name: name, Remove: true})
	}
	return out
}

// broom collects the headers that a template does not cover and has to remove.
type broom struct {
	t    *template
	seen []string
}

func (b *broom) note(name string) bool {
	if b.t.managed.has(name) && !b.t.covered[name] {
		b.seen = append(b.seen, name)
	}
	return true
}

// credentialEdits strips or replaces the credential, except where a header of
// that name is injected.
func (d *decision) credentialEdits(edits []Edit) []Edit {
	l := &d.api.location
	if d.kind == KindSplit && !l.strip {
		return d.replaceHalf(slices.Clip(edits))
	}
	if !l.strip {
		return edits
	}
	return d.stripEdits(slices.Clip(edits))
}

// fill makes the edits of one session: what is injected, with removal where
// there is no value or no room, and the static removals.
func (t *template) fill(f *filling) []Edit {
	edits := make([]Edit, 0, len(t.inject)+len(t.removal))
	room := maxHeadersTotal
	for i := range t.inject {
		in := &t.inject[i]
		value, ok := in.value(f)
		size := len(in.header) + len(value)
		if !ok || !canStand(value) || size > room {
			edits = append(edits, Edit{Name: in.header, Remove: true})
			continue
		}
		room -= size
		edits = append(edits, Edit{Name: in.header, Value: value})
	}
	return append(edits, t.removal...)
}

// filling is what the values of injected headers come from.
type filling struct {
	api          *api
	session      *session
	tok          *jws.Token
	byCredential bool
}

// value gives what a header shall carry; ok is false where there is nothing.
func (i *injection) value(f *filling) (value string, ok bool) {
	s := f.session
	switch i.source {
	case fromLiteral:
		return i.name, true
	case fromClaim:
		if f.byCredential { // the token's own words count for nothing
			return s.subject, i.name == lastResort
		}
		return headerValue(f.tok.Claims.Lookup(i.name))
	case fromMeta:
		if value, ok := s.meta[i.name]; ok {
			return value, true
		}
		return s.grant.Meta(i.name)
	case fromSessionID:
		return s.id, true
	case fromSubject:
		return s.subject, true
	case fromIssuer:
		return s.issuer, !f.byCredential
	case fromAPI:
		return f.api.spec.ID, true
	case fromPolicies:
		return s.grant.PoliciesText(), true
	case fromScopes:
		return joined(s.scopes.List())
	case fromMixed:
		return i.mix(f)
	case fromTykID:
		def := f.api.spec.Definition
		if f.byCredential || def == nil { // Tyk gives keys none
			return "", false
		}
		return TykSessionID(f.api.spec.Org, s.subject, def.HashFunction), true
	case fromJOSE:
		if f.byCredential {
			return s.subject, i.name == lastResort
		}
		return jose(f.tok, i.name)
	case fromTags:
		return s.tags, true
	case fromNothing, fromPath, fromPathParts, fromHeader, fromCookie, fromAddress, fromRequestID: // no session has them
	}
	return "", false
}

// headerValue writes a claim as a header value: texts, numbers and booleans as
// the token has them, arrays of those joined by commas; nothing else.
func headerValue(v jws.Value) (string, bool) {
	switch v.Kind() {
	case jws.String, jws.Number, jws.Bool:
		return v.Text(), true
	case jws.Array:
		var texts []string
		for item := range v.Items() {
			switch item.Kind() {
			case jws.String, jws.Number, jws.Bool:
				texts = append(texts, item.Text())
			case jws.Absent, jws.Null, jws.Array, jws.ObjectKind:
				return "", false
			}
		}
		return joined(texts)
	case jws.Absent, jws.Null, jws.ObjectKind:
	}
	return "", false
}

// joined joins a list by commas, unless an element could be read as two.
func joined(texts []string) (string, bool) {
	for _, text := range texts {
		if !joinable(text) {
			return "", false
		}
	}
	return strings.Join(texts, ","), true
}
