package jws

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha256" // the hashes behind crypto.Hash
	_ "crypto/sha512"
)

var (
	errMisfit = refuse(ErrSignature, "the key does not fit the algorithm")
	errBadSig = refuse(ErrSignature, "the key did not sign this token")
)

// Verify says whether k signed the token by the token's algorithm. The error is
// ErrSignature, also when k does not fit the algorithm.
func (t *Token) Verify(k *Key) error {
	if refusal := k.check(t.Alg, []byte(t.Signed()), t.signature); refusal != nil {
		return refusal
	}
	return nil
}

func (k *Key) check(a Alg, signed, signature []byte) *Refusal {
	if k == nil {
		return errMisfit
	}
	v, ok := k.verifiers[a]
	if !ok {
		return errMisfit
	}
	if v.Verify(signed, signature, k.material) != nil {
		return errBadSig
	}
	return nil
}

// pss verifies PS*. jwx takes any length of the salt; RFC 7518 section 3.5 wants
// that of the hash, and checking it beside jwx would cost the exponentiation
// twice.
type pss struct {
	hash crypto.Hash
}

// Verify implements verifier.
func (p pss) Verify(signed, signature []byte, key any) error {
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return errMisfit
	}
	h := p.hash.New()
	h.Write(signed)
	return rsa.VerifyPSS(pub, p.hash, h.Sum(nil), signature, &rsa.PSSOptions{
		SaltLength: rsa.PSSSaltLengthEqualsHash,
		Hash:       p.hash,
	})
}
