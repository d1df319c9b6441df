package split

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Bounds of a half. The shortest signature is that of HS256 (32 bytes, 43
// characters), the longest of RS512 with 4,096 bits (512 bytes, 683).
const (
	minHalf      = 43
	maxHalf      = 700
	minSignature = 32
)

// ErrHalf says that a text cannot be the half of any token. Nothing of it was
// looked up.
var ErrHalf = errors.New("not the half of a token")

// half gives the signature that a client's text spells: base64url without
// padding, in its only spelling. Go's strict decoder still skips line ends, so
// these are refused by hand.
func half(text string) ([]byte, error) {
	if len(text) < minHalf || len(text) > maxHalf || strings.ContainsAny(text, "\r\n") {
		return nil, ErrHalf
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(signature) < minSignature {
		return nil, ErrHalf
	}
	return signature, nil
}
