package authz

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// maxIdentity bounds an identity: longer ones name nobody.
const maxIdentity = 1024

// lastResort is the claim that names the identity when no configured one does.
const lastResort = "sub"

// identify finds who the token is about: the first of the identity claims that
// is there and not empty, sub at last (contract: identity). names ends with sub.
func identify(claims jws.Object, names []string, tyk bool) (string, *denial) {
	for _, name := range names {
		v := claims.Lookup(name)
		if v.Kind() != jws.String {
			continue
		}
		text := v.Text()
		switch {
		case strings.TrimSpace(text) != "":
			if !isIdentity(text) {
				return "", denied(IdentityMissing)
			}
			return text, nil
		case tyk: // a present but empty one is a denial there
			return "", &denial{reason: IdentityMissing, tyk: emptyIdentity + name}
		}
	}
	return "", denied(IdentityMissing)
}

// identify finds who a token is about by the rules of the API.
func (a *api) identify(claims jws.Object) (string, *denial) {
	text, why := identify(claims, a.identity, a.spec.Tyk)
	def := a.spec.Definition
	if why != nil && def != nil && def.Classic && why.tyk == emptyIdentity+lastResort && !slices.Contains(a.spec.Identity, lastResort) {
		why.tyk = "found an empty user ID in sub claim"
	}
	return text, why
}

// emptyIdentity is what Tyk says of an empty claim.
const emptyIdentity = "found an empty user ID in predefined base claim, claim: "

func isIdentity(text string) bool {
	return len(text) <= maxIdentity && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// sessionID derives the id under which limits are counted (contract section 3,
// sessions and counters). The parts are framed by their lengths, so that no two
// different ones give the same text.
func sessionID(org string, kind CredentialKind, issuer, identity string) string {
	if kind == KindSplit { // the same token, shown by its half
		kind = KindToken
	}
	h := sha256.New()
	var frame [8]byte
	for _, part := range [...]string{org, string(kind), issuer, identity} {
		binary.BigEndian.PutUint64(frame[:], uint64(len(part)))
		h.Write(frame[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
