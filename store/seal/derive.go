package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
)

// Derived is a pseudo-random key made from a secret that only the client holds
// and one key of the ring. Whoever has the store and the ring, but not the
// secret, can make none of what it gives.
type Derived struct{ prk []byte }

// Derive makes a Derived from a secret under the first key: for what is stored
// now. Purpose separates uses of the same secret.
func (r *Keyring) Derive(purpose string, secret []byte) Derived {
	return r.keys[0].extract(purpose, secret)
}

// Derivations are the same under each key, the first key's first: for finding
// what was stored before a rotation. Each is made when it is asked for.
func (r *Keyring) Derivations(purpose string, secret []byte) iter.Seq[Derived] {
	return func(yield func(Derived) bool) {
		for _, k := range r.keys {
			if !yield(k.extract(purpose, secret)) {
				return
			}
		}
	}
}

// extract is HKDF-Extract, HMAC(salt, secret), with a salt that is the key's
// pepper and the purpose. It is written out because hkdf.Extract may refuse a
// secret, and the secret is a client's.
func (k worked) extract(purpose string, secret []byte) Derived {
	salt := append(append(make([]byte, 0, len(k.pepper)+len(purpose)), k.pepper...), purpose...)
	mac := hmac.New(sha256.New, salt)
	mac.Write(secret)
	return Derived{prk: mac.Sum(nil)}
}

// Key is HKDF-Expand under a label: a look-up id or a key of 32 bytes. A format
// number belongs into the label.
func (d Derived) Key(label string) [32]byte {
	out, err := hkdf.Expand(sha256.New, d.prk, label, 32)
	if err != nil {
		// Impossible: only sizes over 255 hashes are refused.
		panic("seal: " + err.Error())
	}
	return [32]byte(out)
}

// Seal encrypts a value with AES-256-GCM under Key(label); data is
// authenticated with it.
func (d Derived) Seal(label string, plain, data []byte) ([]byte, error) {
	key := d.Key(label)
	a, err := newAEAD(key[:])
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, a.NonceSize()+len(plain)+a.Overhead())
	return sealTo(out, a, plain, data), nil
}

// Open is the reverse of Seal: ErrDamaged when any of the parts differs.
func (d Derived) Open(label string, sealed, data []byte) ([]byte, error) {
	key := d.Key(label)
	a, err := newAEAD(key[:])
	if err != nil {
		return nil, err
	}
	return openFrom(a, sealed, data)
}

// Format keeps the key out of every message.
func (d Derived) Format(f fmt.State, _ rune) {
	io.WriteString(f, "derived key") //nolint:errcheck // fmt ignores it too
}
