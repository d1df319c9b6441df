package seal

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// KeySize is the size of a seal key in bytes.
const KeySize = 32

// Key is one seal key. However it is printed, only its name shows.
type Key struct {
	ID       string // its name in the configuration
	material [KeySize]byte
}

// ParseKey reads a key written in base64, standard or URL alphabet, padded or
// not. Blanks and line ends around it do not count.
func ParseKey(id, text string) (Key, error) {
	if id == "" {
		return Key{}, errors.New("seal key without an id")
	}
	plain := strings.TrimRight(strings.TrimSpace(text), "=")
	plain = strings.NewReplacer("-", "+", "_", "/").Replace(plain)
	raw, err := base64.RawStdEncoding.Strict().DecodeString(plain)
	if err != nil {
		return Key{}, fmt.Errorf("seal key %s: not base64: make one with `openssl rand -base64 %d`", id, KeySize)
	}
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("seal key %s: %d bytes: %d are needed, as `openssl rand -base64 %d` makes them",
			id, len(raw), KeySize, KeySize)
	}
	k := Key{ID: id}
	copy(k.material[:], raw)
	if k.material == [KeySize]byte{} {
		return Key{}, fmt.Errorf("seal key %s: all zero", id)
	}
	return k, nil
}

// NewKey makes a random key.
func NewKey(id string) Key {
	k := Key{ID: id}
	rand.Read(k.material[:]) // never returns an error (Go 1.24)
	return k
}

// Text is the key in base64, to be written to a key file. It is the secret
// itself.
func (k Key) Text() string { return base64.StdEncoding.EncodeToString(k.material[:]) }

// Format keeps the key out of every message.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, "seal key "+k.ID) } //nolint:errcheck // fmt ignores it too

// LogValue keeps the key out of every log.
func (k Key) LogValue() slog.Value { return slog.StringValue("seal key " + k.ID) }

// MarshalText refuses: keys are not written by accident.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("a seal key is not written into documents")
}
