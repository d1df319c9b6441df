package split

import (
	"encoding/base64"
	"strings"
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

// A text is a half when it is what the encoder writes for some bytes of a
// signature's length, and only then.
func FuzzHalf(f *testing.F) {
	for _, bytes := range []int{0, 31, 32, 48, 64, 96, 132, 256, 384, 512, 525, 526} {
		f.Add(base64.RawURLEncoding.EncodeToString(make([]byte, bytes)))
	}
	good := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xfb\xef\xff", 12)))
	for _, text := range []string{
		good + "=", good + "\n", good[:20] + "\r\n" + good[20:], strings.NewReplacer("-", "+", "_", "/").Replace(good), good[:len(good)-1],
		strings.Repeat("A", 42) + "B", " " + good, good + ".", "eyJhbGciOiJub25lIn0.e30." + good,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signature, err := half(text)
		spelled := base64.RawURLEncoding.EncodeToString(signature) == text && len(signature) >= minSignature && len(text) <= maxHalf
		if (err == nil) != spelled {
			t.Fatalf("%d characters: %v", len(text), err)
		}
		if err == nil {
			return
		}
		// Nor is the usual spelling of anything refused.
		lenient, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil && len(lenient) >= minSignature && len(text) <= maxHalf && base64.RawURLEncoding.EncodeToString(lenient) == text {
			t.Fatal("the usual spelling of a signature was refused")
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
