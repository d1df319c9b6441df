package store

import (
	"encoding/binary"
	"time"
)

// Format is the first byte of every record as it is written outside the
// process. A record with another one is a miss, never an error: an older
// tollgate beside a newer one goes on.
const Format = 1

// header: format (1), version (8), expiry in milliseconds since 1970 (8, 0 is
// never), all big endian. The version stands at a fixed place so that a script
// in the store can compare it.
const header = 1 + 8 + 8

// Encode writes a record as bytes.
func Encode(r Record) []byte {
	b := make([]byte, header, header+len(r.Value))
	b[0] = Format
	binary.BigEndian.PutUint64(b[1:], uint64(r.Version))
	binary.BigEndian.PutUint64(b[9:], uint64(Millis(r.Expires)))
	return append(b, r.Value...)
}

// Decode reads a record; false when it was not written by Encode of this
// format. The value is a part of b.
func Decode(b []byte) (Record, bool) {
	if len(b) < header || b[0] != Format {
		return Record{}, false
	}
	r := Record{
		Version: Version(binary.BigEndian.Uint64(b[1:])),
		Value:   b[header:len(b):len(b)],
	}
	ms := binary.BigEndian.Uint64(b[9:])
	if r.Version == Any || r.Version == Absent || ms > maxMillis {
		return Record{}, false
	}
	r.Expires = FromMillis(int64(ms))
	return r, true
}

// maxMillis is the end of the year 9999: what lies beyond was never written.
const maxMillis = 253402300799999

// Millis is a time of expiry in milliseconds, rounded up; 0 is never.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	if t.Year() > 9999 { // beyond that, UnixMilli may overflow
		return maxMillis
	}
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return min(max(ms, 1), maxMillis)
}

// FromMillis is the reverse of Millis.
func FromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
