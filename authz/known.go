package authz

import (
	"context"
	"errors"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// mostTried bounds the signatures that are checked for one presented token: a
// client may present what it likes.
const mostTried = 16

// knownToken is a token that some API verifies, expiry and other claims aside.
type knownToken struct {
	snap  *Snapshot
	api   *api
	token string // whole
	tok   *jws.Token
	kind  CredentialKind
	cred  *Credential
	why   Reason // why no API knows it
}

// known finds the API whose keys signed a presented token, the first one that
// suits. It never fetches keys.
func (e *Engine) known(ctx context.Context, api, presented string, suits func(*knownToken) bool) (knownToken, error) {
	k := knownToken{snap: e.live(), token: presented, kind: KindToken}
	if !strings.Contains(presented, ".") {
		k.kind = KindSplit
		if e.options.Restorer == nil {
			k.why = TokenUnknown
			return k, nil
		}
		whole, err := e.options.Restorer.Restore(ctx, "", presented)
		if errors.Is(err, ErrNoToken) {
			k.why = TokenUnknown
			return k, nil
		}
		if err != nil {
			return k, err
		}
		k.token = whole
	}
	tok, err := jws.Parse(k.token, k.snap.maxToken)
	if err != nil {
		k.why = TokenMalformed
		return k, nil //nolint:nilerr // what is no token is unknown, not a failure
	}
	k.tok = tok
	q := keyset.Query{Alg: tok.Alg, Kid: tok.Kid, HasKid: tok.HasKid, Expired: true}
	if iss := tok.Claims.Get("iss"); iss.Kind() == jws.String {
		q.Issuer, q.HasIssuer = iss.Text(), true
	}
	tried := make(map[*jws.Key]bool, mostTried)
	for _, a := range k.snap.apis {
		if a.spec.Inactive || (api != "" && a.spec.ID != api) || !a.allows(tok.Alg) {
			continue
		}
		signed, err := e.signedFor(ctx, &k, a, &q, tried)
		if err != nil {
			return k, err
		}
		if signed {
			if k.api = a; suits(&k) {
				return k, nil
			}
		}
		if len(tried) >= mostTried {
			break
		}
	}
	k.api, k.why = nil, KeyUnknown
	return k, nil
}

// signedFor says whether a key of one API signed the token. tried remembers
// what each key said: APIs share them.
func (e *Engine) signedFor(ctx context.Context, k *knownToken, a *api, q *keyset.Query, tried map[*jws.Key]bool) (bool, error) {
	keys, _ := a.keys.Find(make([]*keyset.Key, 0, keyset.MaxCandidates), q)
	for _, key := range keys {
		if !key.Fits(k.tok.Alg) {
			continue
		}
		signed, known := tried[key.Key]
		if !known {
			signed = k.tok.Verify(key.Key) == nil
			tried[key.Key] = signed
		}
		if signed {
			k.cred = nil
			return true, nil
		}
	}
	if !a.byCred {
		return false, nil
	}
	d := &decision{e: e, snap: k.snap, api: a, token: k.token, now: e.options.Now(), kind: k.kind}
	v := verification{tok: k.tok}
	done, why := d.verifyByCredential(ctx, &v)
	if why != nil && why.err != nil {
		return false, why.err
	}
	k.cred = v.cred
	return done && why == nil, nil
}
