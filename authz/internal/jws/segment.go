package jws

import (
	"encoding/base64"
	"strings"
)

// maxHeader bounds the header part as it stands in the token: real ones have
// less than 200 bytes, those with x5c chains do not name a key anyway.
const maxHeader = 2048

var (
	errTooLong     = refuse(ErrMalformed, "longer than token.max_bytes")
	errParts       = refuse(ErrMalformed, "not three parts joined by dots")
	errHeaderLong  = refuse(ErrMalformed, "header part over 2048 bytes")
	errNoHeader    = refuse(ErrMalformed, "header part is empty")
	errNoPayload   = refuse(ErrMalformed, "payload part is empty")
	errNoSignature = refuse(ErrMalformed, "signature part is empty")
	errBase64      = refuse(ErrMalformed, "a part is not canonical base64url")
)

// strict64 refuses padding, foreign alphabets and unused bits that are not zero
// (RFC 7515 section 2 with RFC 4648 section 3.5). It still skips line breaks:
// decode refuses those itself.
var strict64 = base64.RawURLEncoding.Strict()

// split cuts raw at exactly two dots.
func split(raw string) (header, payload, signature string, err *Refusal) {
	header, rest, ok := strings.Cut(raw, ".")
	if !ok {
		return "", "", "", errParts
	}
	payload, signature, ok = strings.Cut(rest, ".")
	if !ok || strings.IndexByte(signature, '.') >= 0 {
		return "", "", "", errParts
	}
	return header, payload, signature, nil
}

// decode appends what part spells to dst.
func decode(dst []byte, part string) ([]byte, *Refusal) {
	if strings.IndexByte(part, '\n') >= 0 || strings.IndexByte(part, '\r') >= 0 {
		return dst, errBase64
	}
	dst, err := strict64.AppendDecode(dst, []byte(part))
	if err != nil {
		return dst, errBase64
	}
	return dst, nil
}

// DecodeSegment decodes canonical base64url without padding, the only spelling
// that this package takes anywhere. The error is ErrMalformed.
func DecodeSegment(part string) ([]byte, error) {
	out, err := decode(nil, part)
	if err != nil {
		return nil, err
	}
	return out, nil
}
