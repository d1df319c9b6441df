package split

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// A record is version (1) ‖ expiry in milliseconds since 1970 (8, big endian) ‖
// nonce and ciphertext of AES-256-GCM. Id and key are HKDF-SHA-256 over the
// decoded signature, salted with a key of the ring; the associated data is
// id ‖ version ‖ expiry, so that neither can be changed or moved.
const (
	version     = 1
	recordHead  = 1 + 8
	purpose     = "split"
	labelLookup = "lookup 1"
	labelSeal   = "seal 1"
)

// errRecord says that a stored record was not made by us for this half.
var errRecord = errors.New("stored half of a split token is damaged")

// place is where the other half of one signature stands under one seal key.
type place struct {
	derived seal.Derived
	id      [32]byte
}

func placeOf(d seal.Derived) place { return place{derived: d, id: d.Key(labelLookup)} }

func (p place) key() store.Key { return store.Key{Kind: store.KindSplit, ID: string(p.id[:])} }

// seal makes the record of header.payload.
func (p place) seal(signed string, expires time.Time) ([]byte, error) {
	out := binary.BigEndian.AppendUint64([]byte{version}, uint64(expires.UnixMilli()))
	sealed, err := p.derived.Seal(labelSeal, pack(signed), p.data(out))
	return append(out, sealed...), err
}

// open is the reverse of seal.
func (p place) open(record []byte, limit int) (signed string, expires time.Time, err error) {
	if len(record) < recordHead || record[0] != version {
		return "", time.Time{}, errRecord
	}
	packed, err := p.derived.Open(labelSeal, record[recordHead:], p.data(record[:recordHead]))
	if err != nil {
		return "", time.Time{}, errRecord
	}
	signed, err = unpack(packed, limit)
	return signed, time.UnixMilli(int64(binary.BigEndian.Uint64(record[1:recordHead]))), err //nolint:gosec // authenticated: written from an int64
}

func (p place) data(head []byte) []byte { return append(p.id[:len(p.id):len(p.id)], head...) }

// glue is the whole token of its halves.
func glue(signed string, signature []byte) string {
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
