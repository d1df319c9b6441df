package jws

import (
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"math/big"
	"slices"
	"testing"
)

func TestEachAlgorithmVerifiesWithItsKeyOnly(t *testing.T) {
	k := testKeys()
	for _, a := range Algs() {
		raw := k.mint(t, a, header(a), someClaims)
		token, err := Parse(raw, 0)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		for _, b := range Algs() {
			key := k.verifier(t, b)
			err := token.Verify(key)
			fits := a.Family() == b.Family() && (a.Family() != EC || a == b)
			if key.Fits(a) != fits {
				t.Errorf("key for %s fits %s: %v, want %v", b, a, !fits, fits)
			}
			if fits != (err == nil) {
				t.Errorf("%s token with the key for %s: %v", a, b, err)
			}
			if err != nil && !errors.Is(err, ErrSignature) {
				t.Errorf("%s token with the key for %s: %v is not ErrSignature", a, b, err)
			}
		}
		if err := token.Verify(nil); !errors.Is(err, errMisfit) {
			t.Errorf("%s token without a key: %v", a, err)
		}
	}
}

// A signature of one algorithm under the name of another of its family denies:
// the header's alg is what is verified, byte for byte.
func TestAlgorithmsOfOneKeyAreApart(t *testing.T) {
	k := testKeys()
	for _, made := range Algs() {
		for _, named := range Algs() {
			if made == named || made.Family() != named.Family() || made.Family() == EC {
				continue
			}
			token, err := Parse(k.mint(t, made, header(named), someClaims), 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := token.Verify(k.verifier(t, named)); !errors.Is(err, errBadSig) {
				t.Errorf("made by %s, named %s: %v, want %v", made, named, err, errBadSig)
			}
		}
	}
}

// RFC 7518 section 3.5: the salt has the length of the hash.
func TestPSSWantsTheSaltOfTheHash(t *testing.T) {
	k := testKeys()
	for _, a := range []Alg{PS256, PS384, PS512} {
		signed := b64([]byte(header(a))) + "." + b64([]byte(someClaims))
		h := a.hash().New()
		h.Write([]byte(signed))
		digest := h.Sum(nil)
		for _, salt := range []int{0, 1, 20, 32, 48, 64, rsa.PSSSaltLengthAuto} {
			sig, err := k.signPSS(a, digest, salt)
			if salt == 0 { // SignPSS reads 0 as auto
				sig, err = k.signPSS(a, digest, rsa.PSSSaltLengthAuto)
			}
			if err != nil {
				t.Fatal(err)
			}
			token, err := Parse(signed+"."+b64(sig), 0)
			if err != nil {
				t.Fatal(err)
			}
			if ok := token.Verify(k.verifier(t, a)) == nil; ok != (salt == a.hash().Size()) {
				t.Errorf("%s with a salt of %d bytes: valid %v", a, salt, ok)
			}
		}
	}
}

// What can be changed about a valid signature without the private key: only the
// sign of s of ECDSA stays valid, which RFC 7518 allows.
func TestChangedSignatures(t *testing.T) {
	k := testKeys()
	order := elliptic.P256().Params().N
	edOrder, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	tests := []struct {
		name   string
		alg    Alg
		change func([]byte) []byte
		valid  bool
	}{
		{"es256 s replaced by n-s", ES256, func(s []byte) []byte { return mapHalf(s, 1, func(v *big.Int) *big.Int { return v.Sub(order, v) }) }, true},
		{"es256 r is 0", ES256, func(s []byte) []byte { return mapHalf(s, 0, func(*big.Int) *big.Int { return new(big.Int) }) }, false},
		{"es256 s is 0", ES256, func(s []byte) []byte { return mapHalf(s, 1, func(*big.Int) *big.Int { return new(big.Int) }) }, false},
		{"es256 all zero", ES256, func(s []byte) []byte { return make([]byte, len(s)) }, false},
		{"es256 r is n", ES256, func(s []byte) []byte { return mapHalf(s, 0, func(*big.Int) *big.Int { return order }) }, false},
		{"es256 halves swapped", ES256, func(s []byte) []byte { return slices.Concat(s[32:], s[:32]) }, false},
		{"es256 leading zero", ES256, func(s []byte) []byte { return append([]byte{0}, s...) }, false},
		{"es256 cut", ES256, func(s []byte) []byte { return s[:63] }, false},
		{"es256 longer", ES256, func(s []byte) []byte { return append(s, 0) }, false},
		{"eddsa s+L", EdDSA, func(s []byte) []byte { return addOrder(s, edOrder) }, false},
		{"eddsa cut", EdDSA, func(s []byte) []byte { return s[:63] }, false},
		{"rs256 s+n", RS256, func(s []byte) []byte { return new(big.Int).Add(new(big.Int).SetBytes(s), k.rsa.N).Bytes() }, false},
		{"rs256 leading zero", RS256, func(s []byte) []byte { return append([]byte{0}, s...) }, false},
		{"rs256 zero", RS256, func(s []byte) []byte { return make([]byte, len(s)) }, false},
		{"ps256 leading zero", PS256, func(s []byte) []byte { return append([]byte{0}, s...) }, false},
		{"ps256 zero", PS256, func(s []byte) []byte { return make([]byte, len(s)) }, false},
		{"hs256 cut", HS256, func(s []byte) []byte { return s[:31] }, false},
		{"hs256 zero", HS256, func(s []byte) []byte { return make([]byte, len(s)) }, false},
	}
	for _, tt := range tests {
		signed := b64([]byte(header(tt.alg))) + "." + b64([]byte(someClaims))
		sig := tt.change(k.sign(t, tt.alg, signed))
		token, err := Parse(signed+"."+b64(sig), 0)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if ok := token.Verify(k.verifier(t, tt.alg)) == nil; ok != tt.valid {
			t.Errorf("%s: valid %v, want %v", tt.name, ok, tt.valid)
		}
	}
}

func mapHalf(sig []byte, half int, change func(*big.Int) *big.Int) []byte {
	out := slices.Clone(sig)
	size := len(sig) / 2
	part := out[half*size : (half+1)*size]
	change(new(big.Int).SetBytes(part)).FillBytes(part)
	return out
}

func addOrder(sig []byte, order *big.Int) []byte {
	s := slices.Clone(sig[32:])
	slices.Reverse(s)
	sum := new(big.Int).Add(new(big.Int).SetBytes(s), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(slices.Clone(sig[:32]), sum...)
}
