package store_test

import (
	"bytes"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/store"
)

func TestEncodeDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := store.Record{
			Value:   rapid.SliceOf(rapid.Byte()).Draw(t, "value"),
			Version: store.Version(rapid.Uint64Range(1, math.MaxUint64-1).Draw(t, "version")),
		}
		if ms := rapid.Int64Range(0, 253402300799999).Draw(t, "expires"); ms > 0 {
			r.Expires = time.UnixMilli(ms)
		}
		got, ok := store.Decode(store.Encode(r))
		if !ok || !bytes.Equal(got.Value, r.Value) || got.Version != r.Version || !got.Expires.Equal(r.Expires) {
			t.Fatalf("%+v became %+v (%v)", r, got, ok)
		}
	})
}

func TestMillisRoundsUp(t *testing.T) {
	for at, want := range map[time.Time]int64{
		{}:                            0,
		time.Unix(0, 1):               1,
		time.Unix(5, 1_000_001):       5002,
		time.Unix(5, 1_000_000):       5001,
		time.Unix(-7, 0):              1,
		time.Unix(math.MaxInt64/2, 0): 253402300799999,
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC): 253402300799999,
	} {
		if got := store.Millis(at); got != want {
			t.Errorf("%v: %d, want %d", at, got, want)
		}
	}
}

// FuzzDecode: what is read as a record is written as the same bytes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(store.Encode(store.Record{Value: []byte("v"), Version: 7, Expires: time.UnixMilli(5)}))
	f.Add(bytes.Repeat([]byte{1}, 17))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := store.Decode(b)
		if !ok {
			return
		}
		if b[0] != store.Format || r.Version == store.Any || r.Version == store.Absent {
			t.Fatalf("taken: %x", b)
		}
		if got := store.Encode(r); !bytes.Equal(got, b) {
			t.Fatalf("%x is written again as %x", b, got)
		}
	})
}
