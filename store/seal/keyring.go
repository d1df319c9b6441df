package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Errors of opening. Both mean that the value cannot be used; a value that no
// key of the ring has sealed may become readable when an old key is given back.
var (
	ErrUnknownKey = errors.New("sealed with a key that is not in the ring")
	ErrDamaged    = errors.New("sealed value damaged or moved from another record")
)

// Binding ties a sealed value to its record: it opens only under the same
// binding.
type Binding struct {
	Kind    string // sort of the record
	ID      string // id of the record
	Version uint64 // version of the content, counted by who seals
}

// Sealed values: format (1) ‖ tag of the key (4) ‖ nonce (12) ‖ ciphertext and
// GCM tag.
const (
	format   = 1
	tagSize  = 4
	overhead = 1 + tagSize
)

// IDSize is the size of an id in bytes: 128 bits do not collide.
const IDSize = 16

// Keyring seals with its first key and opens with all. It never changes.
type Keyring struct{ keys []worked }

// worked is a key with everything that is derived from it.
type worked struct {
	id     string
	tag    [tagSize]byte
	sealer cipher.AEAD
	ids    []byte
	pepper []byte
}

// New makes a ring. The first key seals; ids and keys must differ.
func New(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: no key given")
	}
	r := &Keyring{}
	for _, k := range keys {
		w, err := work(k)
		if err != nil {
			return nil, fmt.Errorf("seal key %s: %w", k.ID, err)
		}
		for _, other := range r.keys {
			if other.id == w.id {
				return nil, fmt.Errorf("seal key %s: two keys have this id", k.ID)
			}
			if other.tag == w.tag {
				return nil, fmt.Errorf("seal key %s: the same key as %s", k.ID, other.id)
			}
		}
		r.keys = append(r.keys, w)
	}
	return r, nil
}

// Random makes a ring of one random key, for stores that end with the process.
func Random() (*Keyring, error) { return New(NewKey("random")) }

func work(k Key) (worked, error) {
	w := worked{id: k.ID}
	if k.material == [KeySize]byte{} {
		return w, errors.New("empty")
	}
	// The key is uniformly random already, so it is used as the PRK of HKDF.
	derive := func(label string, size int) []byte {
		out, err := hkdf.Expand(sha256.New, k.material[:], "tollgate seal 1 "+label, size)
		if err != nil {
			// Impossible: only sizes over 255 hashes are refused.
			panic("seal: " + err.Error())
		}
		return out
	}
	copy(w.tag[:], derive("tag", tagSize))
	w.ids = derive("ids", sha256.Size)
	w.pepper = derive("pepper", sha256.Size)
	aead, err := newAEAD(derive("records", 32))
	w.sealer = aead
	return w, err
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal encrypts a value for one record with the first key.
func (r *Keyring) Seal(b Binding, plain []byte) []byte {
	k := r.keys[0]
	out := make([]byte, 0, overhead+k.sealer.NonceSize()+len(plain)+k.sealer.Overhead())
	out = append(append(out, format), k.tag[:]...)
	return sealTo(out, k.sealer, plain, b.data())
}

// Open decrypts a value of that record: ErrUnknownKey or ErrDamaged.
func (r *Keyring) Open(b Binding, sealed []byte) ([]byte, error) {
	k, err := r.keyOf(sealed)
	if err != nil {
		return nil, err
	}
	return openFrom(k.sealer, sealed[overhead:], b.data())
}

// Current tells whether a value was sealed with the first key. What was not is
// what resealing is for.
func (r *Keyring) Current(sealed []byte) bool {
	k, err := r.keyOf(sealed)
	return err == nil && k.tag == r.keys[0].tag
}

func (r *Keyring) keyOf(sealed []byte) (worked, error) {
	if len(sealed) < overhead || sealed[0] != format {
		return worked{}, ErrDamaged
	}
	for _, k := range r.keys {
		if string(k.tag[:]) == string(sealed[1:overhead]) {
			return k, nil
		}
	}
	return worked{}, ErrUnknownKey
}

// ID is the keyed hash (HMAC-SHA-256, 128 bits) of some parts under the first
// key: the id of new records. Without the key, nobody can tell from a dump
// whose record it is.
func (r *Keyring) ID(kind string, parts ...string) string { return r.keys[0].id16(kind, parts) }

// IDs are the ids of the same parts under each key, the first key's first: a
// record that was written before a rotation is found under a later one.
func (r *Keyring) IDs(kind string, parts ...string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, k := range r.keys {
			if !yield(k.id16(kind, parts)) {
				return
			}
		}
	}
}

// Len is the number of keys.
func (r *Keyring) Len() int { return len(r.keys) }

// Format keeps the keys out of every message.
func (r *Keyring) Format(f fmt.State, _ rune) {
	io.WriteString(f, "seal keyring") //nolint:errcheck // fmt ignores it too
}

func (k worked) id16(kind string, parts []string) string {
	mac := hmac.New(sha256.New, k.ids)
	mac.Write(frame(kind, parts...))
	return string(mac.Sum(nil)[:IDSize])
}

func (b Binding) data() []byte {
	return binary.BigEndian.AppendUint64(frame(b.Kind, b.ID), b.Version)
}

// frame writes each part after its length, so that no two lists are the same.
func frame(first string, rest ...string) []byte {
	out := binary.AppendUvarint(nil, uint64(len(first)))
	out = append(out, first...)
	for _, p := range rest {
		out = append(binary.AppendUvarint(out, uint64(len(p))), p...)
	}
	return out
}

// sealTo appends nonce and ciphertext. The nonce is random: 2^32 values may be
// sealed with one key before it should be exchanged (SP 800-38D section 8.3).
func sealTo(out []byte, a cipher.AEAD, plain, data []byte) []byte {
	at := len(out)
	out = append(out, make([]byte, a.NonceSize())...)
	rand.Read(out[at:]) // never returns an error (Go 1.24)
	return a.Seal(out, out[at:], plain, data)
}

func openFrom(a cipher.AEAD, sealed, data []byte) ([]byte, error) {
	if len(sealed) < a.NonceSize()+a.Overhead() {
		return nil, ErrDamaged
	}
	plain, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], data)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}
