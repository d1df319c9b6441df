package authz

import (
	"context"
	"errors"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// byIdentity says whether a token names its credential by its identity: only
// when it has no kid (contract section 3, credentials).
// Definitions of Tyk can say that the kid never names one.
func (d *decision) byIdentity(tok *jws.Token) bool {
	def := d.api.spec.Definition
	return d.api.byCred && (!tok.HasKid || def != nil && def.SkipKid)
}

// verifyByCredential verifies a token by the credential that it names. done is
// false where there is no such credential, so that other keys are asked.
func (d *decision) verifyByCredential(ctx context.Context, v *verification) (done bool, why *denial) {
	id := v.tok.Kid
	if d.byIdentity(v.tok) {
		subject, why := d.api.identify(v.tok.Claims)
		if why != nil {
			return false, nil
		}
		id = subject
	}
	if d.api.spec.Tyk {
		id = tykKeyID(d.api.spec.Org, id)
	}
	cred, err := d.e.options.Credentials.Find(ctx, d.api.spec.Org, id)
	switch {
	case errors.Is(err, ErrNoCredential):
		return false, nil
	case err != nil:
		return true, &denial{reason: StoreUnavailable, err: err}
	}
	v.tried = true
	for _, k := range cred.Keys {
		if k.Fits(v.tok.Alg) && v.tok.Verify(k) == nil {
			v.cred = cred
			d.trace.fact("key", "credential")
			return true, nil
		}
	}
	return true, &denial{reason: SignatureInvalid, early: true}
}

// identity says who the token is about.
func (d *decision) identity(v *verification) (*session, *denial) {
	d.trace.step("identity")
	if c := v.cred; c != nil {
		switch {
		case c.Inactive:
			return nil, denied(CredentialInactive)
		case !c.Expires.IsZero() && !d.now.Before(c.Expires):
			return nil, denied(CredentialExpired)
		}
	}
	s, why := d.derive(v.tok, v.cred)
	if why != nil {
		return nil, why
	}
	d.trace.fact("subject", s.subject)
	d.trace.fact("session", s.id)
	return s, nil
}

// ownGrant is what a credential grants under this snapshot: its policies and what
// it has of its own. What cannot be compiled any more, an API that is gone say,
// grants nothing.
func (d *decision) ownGrant(c *Credential) (*policies.Grant, error) {
	if c.Compiled != nil {
		if kept := c.Compiled.Load(); kept != nil && kept.Generation == d.snap.generation {
			return kept.Grant, nil
		}
	}
	if c.Own == nil {
		return d.snap.policies.Merge(d.api.spec.Org, c.Policies)
	}
	own, problems := d.snap.policies.CompileInline(c.Own)
	if own == nil {
		for _, p := range problems {
			d.trace.fact("cause", "the key's own "+p.At+": "+p.What)
		}
		return nil, &policies.UnknownError{ID: "of the key's own"}
	}
	grant, err := d.snap.policies.MergeInline(d.api.spec.Org, c.Policies, own)
	if err == nil && c.Compiled != nil {
		c.Compiled.Store(&credential.Compiled{Generation: d.snap.generation, Grant: grant})
	}
	return grant, err
}
