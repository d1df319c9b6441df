package authz

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/revoked"
	"github.com/tollgate-authz/tollgate/authz/internal/split"
)

// Half is what the client of a split token holds.
type Half struct {
	Text  string
	Until time.Time // kept until then
}

// defaultMaxTTL bounds how long a half is kept (contract split.max_ttl).
const defaultMaxTTL = 24 * time.Hour

// errNothingKept is the cause where the engine has no store.
var errNothingKept = errors.New("no store is open")

// Split verifies a token as the named API would and keeps it for its client's
// half. The error is a Reason where the API does not accept the token or takes
// no split ones; everything else is a store that cannot be asked.
func (e *Engine) Split(ctx context.Context, api, token string) (Half, error) {
	if e.options.Kept == nil {
		return Half{}, errNothingKept
	}
	d := &decision{e: e, snap: e.live(), token: token, now: e.options.Now(), kind: KindToken}
	if d.api = d.snap.byID[api]; d.api == nil || d.api.spec.Inactive {
		return Half{}, APIUnknown
	}
	mode := d.api.spec.Split
	if !mode.on() {
		return Half{}, TokenMalformed
	}
	tok, why := d.parse()
	if why != nil {
		return Half{}, why.reason
	}
	times := datesOf(tok.Claims)
	v := verification{tok: tok, expired: d.api.claims.expired(&times, d.now)}
	if why := d.verify(ctx, &v); why != nil {
		if why.err != nil {
			return Half{}, why.err
		}
		return Half{}, why.reason
	}
	if why := d.api.claims.times(&times, d.now); why != nil {
		return Half{}, why.reason
	}
	if _, why := d.api.claims.static(tok); why != nil {
		return Half{}, why.reason
	}
	if times.expState != jws.DatePresent { // it would be kept for ever
		return Half{}, ClaimMissing
	}
	ttl := mode.MaxTTL
	if ttl <= 0 {
		ttl = defaultMaxTTL
	}
	until := d.now.Add(ttl)
	if times.exp.Before(until) {
		until = times.exp
	}
	text, err := e.options.Kept.splitter.Store(ctx, tok, until)
	if errors.Is(err, split.ErrRefused) || errors.Is(err, split.ErrDuration) {
		return Half{}, TokenMalformed
	}
	return Half{Text: text, Until: until}, err
}

// Introspection is what may be told of a token to whoever may ask.
type Introspection struct {
	Active  bool
	Reason  Reason          // why it is not
	Kind    CredentialKind  // split or token
	API     string          // the first one that knows it
	Claims  json.RawMessage // as the token writes them; nil where it is not known
	Expires time.Time       // zero: never
	Session string
}

// Introspect says what a token is, whole or split, on the first API that accepts
// it, else on the first one that knows it; on the named one where api is not "".
// An error is a store that cannot be asked.
func (e *Engine) Introspect(ctx context.Context, api, token string) (Introspection, error) {
	var first, out Introspection
	k, err := e.known(ctx, api, token, func(k *knownToken) bool {
		out = e.introspect(k)
		if first.API == "" {
			first = out
		}
		return out.Active
	})
	switch {
	case err != nil:
		return Introspection{Kind: k.kind}, err
	case out.Active:
		return out, nil
	case first.API != "":
		return first, nil
	}
	return Introspection{Reason: k.why, Kind: k.kind}, nil
}

// introspect judges a known token on one API.
func (e *Engine) introspect(k *knownToken) Introspection {
	d := &decision{e: e, snap: k.snap, api: k.api, token: k.token, now: e.options.Now(), kind: k.kind}
	times := datesOf(k.tok.Claims)
	out := Introspection{Kind: k.kind, API: k.api.spec.ID, Claims: json.RawMessage(payloadOf(k.tok)), Expires: times.exp}
	if k.kind == KindSplit && !k.api.spec.Split.on() {
		out.Reason = TokenMalformed
		return out
	}
	s, why := d.derive(k.tok, k.cred)
	if why == nil {
		out.Session = s.id
		s.revocable.IssuedAt = times.iat
		why = d.api.claims.times(&times, d.now)
	}
	if why == nil {
		_, why = d.api.claims.static(k.tok)
	}
	if why == nil {
		why = d.revoked(&s.revocable)
	}
	if why != nil {
		out.Reason = why.reason
		return out
	}
	out.Active = true
	return out
}

// payloadOf is the JSON of a token's claims, nil for none.
func payloadOf(tok *jws.Token) []byte {
	_, payload, _ := strings.Cut(tok.Signed(), ".")
	text, err := jws.DecodeSegment(payload)
	if err != nil { // the gate has let it pass
		return nil
	}
	return text
}

// keepRule is how long a revocation of one token outlives it, for skews.
const keepRule = 10 * time.Minute

// Revoke ends a token, whole or split, on every replica. It must verify on some
// API (on the named one where api is not ""), expiry aside: false where none
// knows it, and then nothing was changed. by is told with the revocation.
func (e *Engine) Revoke(ctx context.Context, api, token, by string) (bool, error) {
	if e.options.Kept == nil {
		return false, errNothingKept
	}
	k, err := e.known(ctx, api, token, func(*knownToken) bool { return true })
	if err != nil || k.why != "" {
		return false, err
	}
	rule := ruleOf(&k, by)
	if times := datesOf(k.tok.Claims); times.expState == jws.DatePresent {
		if rule.Until = times.exp.Add(keepRule); !rule.Until.After(e.options.Now()) {
			return true, nil // it has ended long ago
		}
	}
	// The whole token first: with its half gone alone it could not be found again.
	if _, err := e.options.Kept.revoked.Create(ctx, rule); err != nil {
		return false, err
	}
	if k.kind == KindSplit {
		if _, err := e.options.Kept.splitter.End(ctx, token); err != nil {
			return false, err
		}
	}
	return true, nil
}

// ruleOf ends one token: by its jti where that is its issuer's word. Who signs with
// a credential of its own could write there what names a token of somebody else.
func ruleOf(k *knownToken, by string) revoked.Rule {
	rule := revoked.Rule{Kind: revoked.JWTID, Value: text(k.tok.Claims, "jti"), Issuer: text(k.tok.Claims, "iss"), By: by}
	if k.cred != nil || rule.Issuer == "" || rule.Check() != nil {
		return revoked.Rule{Kind: revoked.Token, Value: signedName(k.tok.Signed()), By: by}
	}
	return rule
}

// RevokeSession ends all tokens of a session that were issued until now, whoever
// holds them; who logs in again gets in again.
func (e *Engine) RevokeSession(ctx context.Context, session, by string) error {
	if e.options.Kept == nil {
		return errNothingKept
	}
	_, err := e.options.Kept.revoked.Create(ctx, revoked.Rule{
		Kind: revoked.Session, Value: session, Before: e.options.Now(), By: by,
	})
	return err
}
