package authz

import (
	"errors"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// session is who a verified token stands for under one snapshot, and what may
// be granted to it. It is derived, immutable and shared between requests.
type session struct {
	dates     dates
	revocable Revocable
	subject   string // the identity
	issuer    string
	id        string
	record    string // that its limits are counted on
	warned    string // warn_only rules that refuse the token

	grant  *policies.Grant
	rights *policies.APIGrant // on the API of the request
	scopes policies.Scopes
	tags   string
	meta   map[string]string // of a credential, before that of its policies

	edits        []Edit      // ready for every allow
	live         []injection // made for each request
	shownSubject string      // for metadata: "" where the identity cannot stand there
}

// derive makes the session of a verified token up to its policies. cred is the
// credential that verified it, nil for keys of the configuration.
func (d *decision) derive(tok *jws.Token, cred *Credential) (*session, *denial) {
	s := &session{}
	kind := KindToken
	if iss := tok.Claims.Get("iss"); iss.Kind() == jws.String {
		s.issuer = iss.Text()
	}
	boundTo := s.issuer
	if cred != nil {
		// Bound to no issuer; nothing that the token says can widen it.
		kind, boundTo, s.subject = KindCredential, "", cred.ID
	} else {
		subject, why := d.api.identify(tok.Claims)
		if why != nil {
			return nil, why
		}
		s.subject = subject
	}
	s.id = sessionID(d.api.spec.Org, kind, boundTo, s.subject)
	s.record = recordOf(s.id)
	if canStand(s.subject) {
		s.shownSubject = s.subject
	}
	s.revocable = Revocable{
		Issuer: s.issuer, Subject: s.subject, JWTID: text(tok.Claims, "jti"),
		Client: client(tok.Claims), Session: s.id, Kind: kind, Token: signedName(tok.Signed()),
	}
	return s, nil
}

func text(claims jws.Object, name string) string {
	if v := claims.Get(name); v.Kind() == jws.String {
		return v.Text()
	}
	return ""
}

// client names who asked for the token: RFC 9068 section 2.2, else OpenID Connect's azp.
func client(claims jws.Object) string {
	if id := text(claims, "client_id"); id != "" {
		return id
	}
	return text(claims, "azp")
}

// resolve finds the session's policies and what they grant on the API.
func (d *decision) resolve(s *session, tok *jws.Token, cred *Credential) *denial {
	d.trace.step("policies")
	choice := policies.Choice{}
	if cred != nil {
		choice.IDs = cred.Policies
	} else {
		chosen, err := d.api.selector.Choose(claimTexts{tok.Claims, d.api.spec.Tyk})
		if err != nil {
			return refusedPolicy(err)
		}
		choice = chosen
	}
	grant, err := d.merge(choice.IDs, cred)
	if err != nil {
		d.trace.fact("cause", err.Error())
		if conflict, ok := errors.AsType[*policies.ConflictError](err); ok {
			return conflicting(conflict, choice.Origin)
		}
		return refusedPolicy(err)
	}
	s.grant, s.rights, s.scopes = grant, grant.API(d.api.spec.ID), choice.Scopes
	s.tags = grant.TagsText()
	if cred != nil {
		s.meta = cred.Meta
	}
	if cred != nil && len(cred.Tags) > 0 {
		united := append(slices.Clone(grant.Tags()), cred.Tags...)
		slices.Sort(united)
		s.tags = strings.Join(slices.Compact(united), ",")
	}
	d.trace.fact("policies", grant.PoliciesText())
	if d.trace.on() {
		d.trace.fact("scopes", strings.Join(s.scopes.List(), " "))
	}
	f := &filling{api: d.api, session: s, tok: tok, byCredential: cred != nil}
	s.edits, s.live = d.api.edits.fill(f), d.api.edits.settle(f)
	return nil
}

// merge merges policies, and what a credential has of its own.
func (d *decision) merge(ids []string, cred *Credential) (*policies.Grant, error) {
	if cred != nil {
		return d.ownGrant(cred)
	}
	return d.snap.policies.Merge(d.api.spec.Org, ids)
}

// claimTexts lets policies read the claims of a token.
type claimTexts struct {
	claims jws.Object
	tyk    bool // what is no text in an array is passed over, arrays within are flattened
}

// Texts gives a claim as policies read it.
func (c claimTexts) Texts(name string) ([]string, policies.Form) {
	v := c.claims.Lookup(name)
	if c.tyk && v.Kind() == jws.Array {
		return flatTexts(nil, v, 0), policies.List
	}
	switch v.Kind() {
	case jws.Absent, jws.Null:
		return nil, policies.Absent
	case jws.String:
		return []string{v.Text()}, policies.Text
	case jws.Array:
		var out []string
		for item := range v.Items() {
			if item.Kind() != jws.String {
				return nil, policies.Unreadable
			}
			out = append(out, item.Text())
		}
		return out, policies.List
	case jws.Bool, jws.Number, jws.ObjectKind:
	}
	return nil, policies.Unreadable
}
