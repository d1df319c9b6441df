package keyset

import (
	"bytes"
	"encoding/base64"
	"errors"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// maxDocument bounds a key document, local or fetched: the largest real key sets
// have some 30 KiB.
const maxDocument = 1 << 20

// Binding is what the configuration says about static keys.
type Binding struct {
	Issuer string // exact issuer, "" for any
	ID     string // kid, with HasID; overrides what a single JWK says
	HasID  bool
	Source string // for explain and errors, such as "pem" or a path; no secret
	// ShortSecret allows HMAC secrets shorter than their hash
	// (insecure_short_secret).
	ShortSecret bool
}

var (
	errEmpty = errors.New("is empty")
	errLarge = errors.New("is larger than 1 MiB")
)

// NewSecret makes a key of an HMAC secret.
func NewSecret(secret []byte, b Binding) (*Key, error) {
	key, err := b.secret(secret)
	if err != nil {
		return nil, err
	}
	return b.bind(key), nil
}

func (b Binding) secret(secret []byte) (*jws.Key, error) {
	if b.ShortSecret {
		return jws.NewInsecureSecret(secret)
	}
	return jws.NewSecret(secret)
}

func (b Binding) bind(key *jws.Key) *Key {
	return &Key{Key: key, ID: b.ID, HasID: b.HasID, Issuer: b.Issuer, Source: b.Source}
}

// checkSize refuses what no reader should look at.
func checkSize(data []byte) error {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return errEmpty
	case len(data) > maxDocument:
		return errLarge
	}
	return nil
}

// unbase64 gives what data is base64 of, whatever the alphabet, padding and line
// breaks.
func unbase64(data []byte) ([]byte, bool) {
	compact := bytes.Join(bytes.Fields(data), nil)
	for _, e := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if out, err := e.AppendDecode(nil, compact); err == nil && len(out) > 0 {
			return out, true
		}
	}
	return nil, false
}
