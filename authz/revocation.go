package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// staleAfter is how long the news of revocations may be missing (contract
// section 3, revocation).
const staleAfter = 30 * time.Second

// degradedRevocation names answers that were given on old news.
const degradedRevocation = "revocation_stale"

// revoked asks whether something about the token was revoked. While the news is
// stale the configuration says what happens to each kind of credential.
func (d *decision) revoked(subject *Revocable) *denial {
	d.trace.step("revocation")
	if d.e.options.Revocations == nil {
		return nil
	}
	asked := *subject
	if d.kind == KindSplit && asked.Kind == KindToken {
		asked.Kind = KindSplit
	}
	ended, staleFor := d.e.options.Revocations.Ended(&asked, d.now)
	if ended {
		return &denial{reason: TokenRevoked, split: d.kind == KindSplit}
	}
	limit := d.snap.stale.StaleAfter
	if limit == 0 {
		limit = staleAfter
	}
	if staleFor <= limit {
		return nil
	}
	if !d.snap.stale.allows(asked.Kind) {
		return denied(RevocationStale)
	}
	d.degrade(degradedRevocation)
	return nil
}

// allows says whether a kind of credential passes on old news.
func (r *RevocationSpec) allows(kind CredentialKind) bool {
	switch kind {
	case KindSplit:
		return r.SplitAllow
	case KindCredential:
		return r.CredentialsAllow
	case KindToken:
		return !r.PlainDeny
	}
	return false
}

// signedName names a token that has no jti by the hash of what its signature
// covers. The signature is left out: an ECDSA signature has a twin that verifies,
// too.
func signedName(signed string) string {
	sum := sha256.Sum256([]byte(signed))
	return hex.EncodeToString(sum[:])
}
