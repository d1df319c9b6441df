package split

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// Forms of the plain text of a record, its first byte. The dictionary of a form
// never changes: a new one gets a new number.
const (
	formRaw   = 0 // header.payload as it stands in the token
	formFlate = 1 // header JSON, "." and payload JSON, DEFLATE with dictionary
)

// dictionary holds what most tokens have in common. DEFLATE finds the end of it
// cheapest, so the most common parts stand last.
const dictionary = `"resource_access":{"account":{"roles":["manage-account","manage-account-links","view-profile"]}},` +
	`"realm_access":{"roles":["offline_access","default-roles-","uma_authorization"]},"allowed-origins":["https://"],` +
	`"groups":[],"entitlements":[],"permissions":["read","write"],"tenant":"","org_id":"","plan":"","pol":"",` +
	`"email_verified":true,"email":"@example.com","preferred_username":"","given_name":"","family_name":"","name":"",` +
	`"auth_time":1,"acr":"1","amr":["pwd"],"sid":"","session_state":"","nonce":"","at_hash":"","jti":"","roles":["user","admin"],` +
	`"client_id":"","azp":"","cid":"","typ":"Bearer","scope":"openid profile email offline_access","scp":"",` +
	`{"alg":"ES256","typ":"JWT","kid":"{"alg":"RS256","typ":"at+jwt","kid":"{"alg":"RS256","typ":"JWT","kid":""}.` +
	`{"iss":"https://","sub":"","aud":["account","exp":17,"iat":17,"nbf":17`

// errPacked says that a plain text is none of the known forms. It was sealed by
// us, so this is a newer tollgate's record.
var errPacked = errors.New("split token in an unknown form")

var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriterDict(nil, flate.BestCompression, []byte(dictionary))
	if err != nil {
		panic("split: " + err.Error()) // the level is a constant
	}
	return w
}}

// inflater is a reader of DEFLATE with room for what it reads.
type inflater struct {
	packed bytes.Reader
	reader io.ReadCloser
	plain  bytes.Buffer
}

var inflaters = sync.Pool{New: func() any {
	f := &inflater{}
	f.reader = flate.NewReaderDict(&f.packed, []byte(dictionary))
	return f
}}

// pack gives the smaller form of header.payload.
func pack(signed string) []byte {
	raw := append([]byte{formRaw}, signed...)
	head, body, ok := strings.Cut(signed, ".")
	if !ok || strings.ContainsAny(signed, "\r\n") { // the decoder would skip line ends
		return raw
	}
	header, err1 := base64.RawURLEncoding.Strict().DecodeString(head)
	payload, err2 := base64.RawURLEncoding.Strict().DecodeString(body)
	if err1 != nil || err2 != nil || bytes.IndexByte(header, '.') >= 0 {
		return raw
	}
	out := bytes.NewBuffer([]byte{formFlate})
	w := writers.Get().(*flate.Writer) //nolint:forcetypeassert // the pool holds nothing else
	defer writers.Put(w)
	w.Reset(out)
	_, err := w.Write(append(append(header, '.'), payload...))
	if err = errors.Join(err, w.Close()); err != nil || out.Len() >= len(raw) {
		return raw
	}
	return out.Bytes()
}

// unpack is the reverse of pack. It gives at most limit bytes.
func unpack(packed []byte, limit int) (string, error) {
	if len(packed) == 0 {
		return "", errPacked
	}
	switch packed[0] {
	case formRaw:
		return string(packed[1:]), nil
	case formFlate:
		return inflate(packed[1:], limit)
	}
	return "", errPacked
}

func inflate(packed []byte, limit int) (string, error) {
	f := inflaters.Get().(*inflater) //nolint:forcetypeassert // the pool holds nothing else
	defer inflaters.Put(f)
	f.packed.Reset(packed)
	again := f.reader.(flate.Resetter) //nolint:forcetypeassert // every reader of DEFLATE is one
	if err := again.Reset(&f.packed, []byte(dictionary)); err != nil {
		return "", fmt.Errorf("%w: %w", errPacked, err)
	}
	f.plain.Reset()
	n, err := f.plain.ReadFrom(io.LimitReader(f.reader, int64(limit)+1))
	if err != nil || n > int64(limit) {
		return "", errPacked
	}
	header, payload, ok := bytes.Cut(f.plain.Bytes(), []byte("."))
	if !ok {
		return "", errPacked
	}
	enc := base64.RawURLEncoding
	out := make([]byte, 0, enc.EncodedLen(len(header))+1+enc.EncodedLen(len(payload)))
	out = append(enc.AppendEncode(out, header), '.')
	return string(enc.AppendEncode(out, payload)), nil
}
