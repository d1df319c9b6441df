package authz

import (
	"slices"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// claimChecks is what an API wants of the claims of a verified token.
type claimChecks struct {
	tyk                         bool
	issuers, audiences, subject []string
	typ                         []string // lower case, without "application/"
	typNeeded                   bool     // claims.typ is written: absent is refused
	require                     []string
	skew                        SkewSpec
	skipExp, skipNbf, skipIat   bool
	rules                       []rule
	// who gives the subject that subjects lists; nil: the claim sub.
	who func(jws.Object) (string, *denial)
}

// dates are the time claims of a token, read once.
type dates struct {
	exp, nbf, iat                time.Time
	expState, nbfState, iatState jws.DateState
}

func datesOf(claims jws.Object) dates {
	var d dates
	d.exp, d.expState = dateOf(claims, "exp")
	d.nbf, d.nbfState = dateOf(claims, "nbf")
	d.iat, d.iatState = dateOf(claims, "iat")
	return d
}

func dateOf(claims jws.Object, name string) (time.Time, jws.DateState) {
	v := claims.Get(name)
	if v.Kind() == jws.Absent {
		return time.Time{}, jws.DateAbsent
	}
	return v.Date()
}

// expired says whether exp has passed: it is exclusive, nbf and iat are
// inclusive (RFC 7519 section 4.1). A date that cannot be read fails its check.
func (c *claimChecks) expired(d *dates, now time.Time) bool {
	return !c.skipExp && fails(d.expState, !now.Before(d.exp.Add(c.skew.Exp)))
}

// times judges the time claims. Each has its own skew and its own switch.
func (c *claimChecks) times(d *dates, now time.Time) *denial {
	early := !c.skipNbf && fails(d.nbfState, now.Add(c.skew.Nbf).Before(d.nbf))
	future := !c.skipIat && fails(d.iatState, now.Add(c.skew.Iat).Before(d.iat))
	expired := c.expired(d, now)
	switch {
	case c.tyk && early: // Tyk tells the last of exp, iat, nbf
		return denied(TokenNotYetValid)
	case c.tyk && future:
		return denied(TokenIssuedInFuture)
	case expired:
		return denied(TokenExpired)
	case early:
		return denied(TokenNotYetValid)
	case future:
		return denied(TokenIssuedInFuture)
	}
	return nil
}

func fails(state jws.DateState, outside bool) bool {
	switch state {
	case jws.DateAbsent:
		return false // claims.require decides about absent ones
	case jws.DatePresent:
		return outside
	case jws.DateMalformed:
	}
	return true
}

// static judges what does not change with time. warned names the warn_only rules
// that would have refused.
func (c *claimChecks) static(tok *jws.Token) (warned string, why *denial) {
	if !c.typFits(tok) {
		return "", denied(ClaimRefused)
	}
	checks := []func(jws.Object) *denial{c.required, c.issuer, c.audience, c.subjects}
	if c.tyk { // Tyk asks for jti after iss and aud
		checks = []func(jws.Object) *denial{c.issuer, c.audience, c.required, c.subjects}
	}
	for _, check := range checks {
		if why := check(tok.Claims); why != nil {
			return "", why
		}
	}
	return c.applyRules(tok.Claims)
}

func (c *claimChecks) required(claims jws.Object) *denial {
	for _, name := range c.require {
		if present(claims.Lookup(name)) {
			continue
		}
		if name == "jti" {
			return &denial{reason: ClaimMissing, tyk: "Key not authorized: JWT ID (jti) claim is required but not present in token"}
		}
		return &denial{reason: ClaimMissing, tyk: tykMissing(name)}
	}
	return nil
}

// subjects compares the subject with those that are allowed. In definitions of
// Tyk that is the identity, whose claims they can name.
func (c *claimChecks) subjects(claims jws.Object) *denial {
	if len(c.subject) == 0 {
		return nil
	}
	subject := claims.Get(lastResort).Text()
	if c.who != nil {
		who, why := c.who(claims)
		if why != nil {
			text := why.tyk
			if text == "" {
				text = "no suitable claims for user ID were found"
			}
			return &denial{reason: SubjectRefused, tyk: "Key not authorized: " + text}
		}
		subject = who
	} else if claims.Get(lastResort).Kind() != jws.String {
		return &denial{reason: SubjectRefused, tyk: "Key not authorized: invalid subject value: "}
	}
	if slices.Contains(c.subject, subject) {
		return nil
	}
	return &denial{reason: SubjectRefused, tyk: "Key not authorized: invalid subject value: " + tykQuote(subject)}
}

// typFits compares the header's typ as a media type (RFC 7515 section 4.1.9):
// tokens made for something else are refused (RFC 8725 section 3.11).
func (c *claimChecks) typFits(tok *jws.Token) bool {
	if !tok.HasTyp {
		return !c.typNeeded
	}
	return isTyp(tok.Typ, c.typ)
}

func isTyp(typ string, wanted []string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && strings.EqualFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	for _, w := range wanted {
		if strings.EqualFold(typ, w) {
			return true
		}
	}
	return false
}

func (c *claimChecks) issuer(claims jws.Object) *denial {
	iss := claims.Get("iss")
	switch {
	case len(c.issuers) == 0:
		// The key's binding has decided. A name of an odd type is nobody's.
		if iss.Kind() != jws.Absent && iss.Kind() != jws.String && !c.tyk {
			return denied(IssuerRefused)
		}
		return nil
	case isOneOf(iss, c.issuers):
		return nil
	}
	text := "Key not authorized: invalid issuer claim: " + tykQuote(iss.Text())
	switch iss.Kind() {
	case jws.Absent:
		text = "Key not authorized: issuer claim is required but not present in token"
	case jws.String:
	case jws.Null, jws.Bool, jws.Number, jws.Array, jws.ObjectKind:
		text = "Key not authorized: issuer claim must be a string"
	}
	return &denial{reason: IssuerRefused, tyk: text}
}

// audience wants one of the configured names in aud, a text or an array of texts
// (RFC 7519 section 4.1.3).
func (c *claimChecks) audience(claims jws.Object) *denial {
	aud := claims.Get("aud")
	if len(c.audiences) == 0 || isOneOf(aud, c.audiences) {
		return nil
	}
	var said []string
	switch aud.Kind() {
	case jws.Absent:
		return &denial{reason: AudienceRefused, tyk: "Key not authorized: audience claim is required but not present in token"}
	case jws.Null, jws.Bool, jws.Number, jws.ObjectKind:
		return &denial{reason: AudienceRefused, tyk: "Key not authorized: invalid audience claim format"}
	case jws.String:
		said = append(said, aud.Text())
	case jws.Array:
		for item := range aud.Items() {
			if item.Kind() != jws.String {
				continue
			}
			if isOneOf(item, c.audiences) {
				return nil
			}
			said = append(said, item.Text())
		}
	}
	text := "Key not authorized: no matching audience found in token: [" + tykQuote(strings.Join(said, " ")) + "]"
	return &denial{reason: AudienceRefused, tyk: text}
}

// isOneOf says whether v is a text and one of names, byte for byte.
func isOneOf(v jws.Value, names []string) bool {
	return v.Kind() == jws.String && slices.Contains(names, v.Text())
}

// present says whether a required claim is there: null is nothing.
func present(v jws.Value) bool { return v.Kind() != jws.Absent && v.Kind() != jws.Null }
