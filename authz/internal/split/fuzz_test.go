package split

import (
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store/seal"
)

// A record opens only as what was sealed: any other bytes are an error, never a
// panic and never another text.
func FuzzRecord(f *testing.F) {
	ring, err := seal.New(seal.NewKey("k"))
	if err != nil {
		f.Fatal(err)
	}
	p := placeOf(ring.Derive(purpose, make([]byte, 32)))
	expires := time.Unix(1_900_000_000, 0)
	good, err := p.seal("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0", expires)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:recordHead])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		signed, until, err := p.open(record, 1<<16)
		if (err == nil) != (string(record) == string(good)) {
			t.Fatalf("opened: %v", err)
		}
		if err == nil && (signed != "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0" || !until.Equal(expires)) {
			t.Fatal("opened as something else")
		}
	})
}

// Packing and unpacking is the identity, whatever the token's text; unpacking
// anything else ends within its bound.
func FuzzPack(f *testing.F) {
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0")
	f.Add("a.b")
	f.Add("....")
	f.Add("")
	f.Fuzz(func(t *testing.T, signed string) {
		if got, err := unpack(pack(signed), len(signed)+16); err != nil || got != signed {
			t.Fatalf("another text, or none: %v", err)
		}
		const bound = 4096
		if got, err := unpack([]byte(signed), bound); err == nil && len(got) > max(2*bound, len(signed)) {
			t.Fatal("unpacked beyond its bound")
		}
	})
}
