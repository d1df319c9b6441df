package authz

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// establish finds the session of the credential: of the cache, or by the whole
// way from the text to the policies. Explain always goes the whole way, so that
// every step is seen; both ways give the same answer.
func (d *decision) establish(ctx context.Context) *denial {
	cache := d.e.cache
	if d.trace.on() {
		cache = nil
	}
	var key cacheKey
	if cache != nil {
		key = cacheKey{
			token: d.hash(), generation: d.snap.generation,
			keys: d.api.keys.Generation(), api: d.api.index,
		}
		if found := cache.get(key); found != nil {
			return d.recall(found)
		}
	}
	s, keep, why := d.authenticate(ctx)
	if cache != nil && keep > 0 {
		cache.put(key, &cached{session: s, keep: keep, bytes: len(d.token)})
	}
	d.session = s
	return why
}

// tokenHash is the SHA-256 of the whole token. Usual ones are hashed from the
// stack: a copy on the heap would be the largest allocation of a warm check.
func tokenHash(token string) [sha256.Size]byte {
	var usual [2048]byte
	if len(token) > len(usual) {
		return sha256.Sum256([]byte(token))
	}
	return sha256.Sum256(usual[:copy(usual[:], token)])
}

// recall judges what a cached entry leaves open.
func (d *decision) recall(found *cached) *denial {
	d.cached = true
	if found.session == nil {
		return &denial{reason: SignatureInvalid, early: true}
	}
	if why := d.api.claims.times(&found.session.dates, d.now); why != nil {
		return why
	}
	d.session = found.session
	return d.revoked(&found.session.revocable)
}

// authenticate goes from the text of a token to its session. keep is how long
// the outcome may be cached: only complete sessions, and bad signatures of keys
// that the configuration names; nothing in which a stored credential took part.
func (d *decision) authenticate(ctx context.Context) (s *session, keep time.Duration, why *denial) {
	tok, why := d.parse()
	if why != nil {
		return nil, 0, why
	}
	times := datesOf(tok.Claims)
	v := verification{tok: tok, expired: d.api.claims.expired(&times, d.now)}
	if why = d.verify(ctx, &v); why != nil {
		if why.reason == SignatureInvalid && v.sure && !d.api.byCred {
			return nil, keepInvalid, why
		}
		return nil, 0, why
	}
	d.trace.step("claims")
	if why = d.api.claims.times(&times, d.now); why != nil {
		return nil, 0, why
	}
	warned, why := d.api.claims.static(tok)
	if why != nil {
		return nil, 0, why
	}
	d.trace.fact("warned", warned)
	if s, why = d.identity(&v); why != nil {
		return nil, 0, why
	}
	s.dates, s.warned, s.revocable.IssuedAt = times, warned, times.iat
	d.session = s
	if why = d.revoked(&s.revocable); why != nil {
		return s, 0, why
	}
	if why = d.resolve(s, tok, v.cred); why != nil {
		return s, 0, why
	}
	if v.cred != nil {
		return s, 0, nil
	}
	d.remember(s)
	return s, keepFor(&times, d.now), nil
}

// keepFor is how long a session is worth its memory.
func keepFor(times *dates, now time.Time) time.Duration {
	if times.expState != jws.DatePresent {
		return keepVerified
	}
	return min(keepVerified, max(times.exp.Sub(now), time.Second))
}

// parse passes the text through the gate and its algorithm past the API's list.
func (d *decision) parse() (*jws.Token, *denial) {
	d.trace.step("parse")
	tok, err := jws.Parse(d.token, d.snap.maxToken)
	if err != nil {
		d.trace.fact("cause", err.Error())
		why := &denial{reason: TokenMalformed, early: true}
		if errors.Is(err, jws.ErrAlg) {
			why.reason = AlgRefused
		}
		if errors.Is(err, jws.ErrAlgUnknown) {
			why.tyk = "Key not authorized"
		}
		return nil, why
	}
	d.trace.fact("alg", string(tok.Alg))
	d.trace.fact("kid", tok.Kid)
	if !d.api.allows(tok.Alg) {
		return nil, &denial{reason: AlgRefused, early: true}
	}
	if d.api.spec.KidRequired && !tok.HasKid {
		d.trace.fact("cause", "the API wants a kid")
		return nil, &denial{reason: KeyUnknown, early: true}
	}
	return tok, nil
}

// verification is the search for the key of one token.
type verification struct {
	tok     *jws.Token
	expired bool
	cred    *Credential // that verified it, nil for keys of the configuration
	tried   bool        // a key was there and did not sign it
	sure    bool        // … and no key of a provider could change that
}

// verify finds the key that signed the token: keys at hand, then the credential
// that it names, then one question to the providers (contract section 3, keys).
func (d *decision) verify(ctx context.Context, v *verification) *denial {
	d.trace.step("verify")
	q := keyset.Query{Alg: v.tok.Alg, Kid: v.tok.Kid, HasKid: v.tok.HasKid, Expired: v.expired}
	if iss := v.tok.Claims.Get("iss"); iss.Kind() == jws.String {
		q.Issuer, q.HasIssuer = iss.Text(), true
	}
	keys, err := d.api.keys.Find(make([]*keyset.Key, 0, keyset.MaxCandidates), &q)
	if d.signed(v, keys) {
		return nil
	}
	if d.api.byCred {
		if done, why := d.verifyByCredential(ctx, v); done {
			return why
		}
	}
	if !errors.Is(err, keyset.ErrIssuer) {
		var fresh []*keyset.Key
		fresh, err = d.api.keys.Refetch(ctx, keys, &q)
		if d.signed(v, fresh) {
			return nil
		}
		keys = append(keys, fresh...)
	}
	v.sure = len(d.api.remotes) == 0 || slices.ContainsFunc(keys, func(k *keyset.Key) bool {
		return k.HasID && v.tok.HasKid && k.ID == v.tok.Kid
	})
	why := &denial{reason: SignatureInvalid, early: true}
	switch {
	case v.tried:
	case errors.Is(err, keyset.ErrIssuer) && !d.api.byCred: // credentials are bound to no issuer
		why.reason = IssuerRefused
	case errors.Is(err, keyset.ErrUnavailable):
		why.reason, why.err = KeysUnavailable, err
		why.tyk, why.tykStatus = "Key not authorized", 403
	case d.byIdentity(v.tok):
		why.reason = CredentialUnknown
	default:
		why.reason = KeyUnknown
	}
	if err != nil {
		d.trace.fact("cause", err.Error())
	}
	return why
}

// signed says whether one of the keys signed the token.
func (d *decision) signed(v *verification, keys []*keyset.Key) bool {
	for _, k := range keys {
		if !k.Fits(v.tok.Alg) {
			continue
		}
		v.tried = true
		if v.tok.Verify(k.Key) != nil {
			continue
		}
		d.trace.fact("key", k.Source)
		d.trace.fact("issuer", k.Issuer)
		return true
	}
	return false
}
