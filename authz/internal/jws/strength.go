package jws

import (
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"slices"
)

// The floors of RSA: RFC 7518 section 3.3 asks for 2048 bits; above 8192 one
// verification costs milliseconds.
const (
	minRSABits     = 2048
	maxRSABits     = 8192
	minRSAExponent = 65537
	maxRSAExponent = 1<<31 - 1 // what crypto/rsa computes with
)

var (
	errRSAShort    = refuse(ErrKey, "RSA below 2048 bits")
	errRSALong     = refuse(ErrKey, "RSA over 8192 bits")
	errRSAExponent = refuse(ErrKey, "RSA exponent is even, below 65537 or over 31 bits")
	errRSAEven     = refuse(ErrKey, "RSA modulus is even")
	errROCA        = refuse(ErrKey, "RSA modulus has the fingerprint of CVE-2017-15361")
	errClosePrimes = refuse(ErrKey, "RSA modulus is a product of two close primes")
	errEdLength    = refuse(ErrKey, "an Ed25519 key has 32 bytes")
	errEdPoint     = refuse(ErrKey, "the Ed25519 key is no point of the curve")
	errEdSmall     = refuse(ErrKey, "the Ed25519 key is of small order: every signature would pass")
)

func checkRSA(pub *rsa.PublicKey) *Refusal {
	switch {
	case pub.N == nil || pub.N.Sign() <= 0 || pub.N.BitLen() < minRSABits:
		return errRSAShort
	case pub.N.BitLen() > maxRSABits:
		return errRSALong
	case pub.N.Bit(0) == 0:
		return errRSAEven
	case pub.E < minRSAExponent || pub.E > maxRSAExponent || pub.E%2 == 0:
		return errRSAExponent
	case roca(pub.N):
		return errROCA
	case closePrimes(pub.N):
		return errClosePrimes
	}
	return nil
}

// roca says whether n has the fingerprint of the keys that Infineon's library
// made (CVE-2017-15361): modulo every small prime it is a power of 65537. A
// healthy key passes all 38 primes once in 2^27.
func roca(n *big.Int) bool {
	rest, modulus := new(big.Int), new(big.Int)
	for _, p := range []int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
		101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	} {
		want := rest.Mod(n, modulus.SetInt64(p)).Int64()
		power := int64(1)
		for range p {
			if power == want {
				break
			}
			power = power * 65537 % p
		}
		if power != want {
			return false
		}
	}
	return true
}

// closePrimes tries a few steps of Fermat's method, which factors at once what a
// broken generator made of neighbouring primes (CVE-2022-26320).
func closePrimes(n *big.Int) bool {
	one := big.NewInt(1)
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) == 0 {
		return true
	}
	square, root := new(big.Int), new(big.Int)
	for range 16 {
		a.Add(a, one)
		square.Sub(square.Mul(a, a), n)
		root.Sqrt(square)
		if root.Mul(root, root).Cmp(square) == 0 {
			return true
		}
	}
	return false
}

// checkEd25519 refuses what is no canonical point (RFC 8032 section 5.1.3) and
// the points of small order, under which a signature can be made without any
// private key.
func checkEd25519(pub ed25519.PublicKey) *Refusal {
	if len(pub) != ed25519.PublicKeySize {
		return errEdLength
	}
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p) // d = -121665/121666
	d.Mod(d.Mul(d, big.NewInt(-121665)), p)

	little := slices.Clone(pub)
	little[31] &= 0x7f // the sign of x
	slices.Reverse(little)
	y := new(big.Int).SetBytes(little)
	if y.Cmp(p) >= 0 {
		return errEdPoint
	}
	one := big.NewInt(1)
	y2 := new(big.Int).Mod(new(big.Int).Mul(y, y), p)
	// The curve -x² + y² = 1 + dx²y² gives x² = (y²-1)/(dy²+1); Ed25519 points
	// have a square there. dy²+1 is never 0, since -1/d is no square.
	u := new(big.Int).Sub(y2, one)
	v := new(big.Int).Mod(new(big.Int).Add(new(big.Int).Mul(d, y2), one), p)
	x2 := new(big.Int).Mul(u, new(big.Int).ModInverse(v, p))
	x2.Mod(x2, p)
	if x2.Sign() != 0 && big.Jacobi(x2, p) != 1 {
		return errEdPoint
	}
	// Order 1 and 2: x = 0. Order 4: y = 0. Order 8: doubling gives y = 0, which
	// is x² = -y², hence dy⁴ + 2y² - 1 = 0.
	eighth := new(big.Int).Mul(d, new(big.Int).Mul(y2, y2))
	eighth.Add(eighth, new(big.Int).Lsh(y2, 1))
	eighth.Mod(eighth.Sub(eighth, one), p)
	if x2.Sign() == 0 || y.Sign() == 0 || eighth.Sign() == 0 {
		return errEdSmall
	}
	return nil
}
