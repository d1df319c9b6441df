package file

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// Buckets of the log. One holds facts about the store, one the records that
// never expire, and one each the records that expire within an hour.
const (
	bucketFacts   = "tollgate"
	bucketForever = "forever"
	untilPrefix   = "until."

	factFormat = "format"
)

// format is the layout of the log that this tollgate reads and writes.
const format = "1"

// grace is how long after its end an hour is dropped: a clock that is set back a
// little finds its records again.
const grace = time.Minute

// bucketOf is where a record with this expiry lies.
func bucketOf(expires time.Time) string {
	if expires.IsZero() {
		return bucketForever
	}
	return fmt.Sprintf("%s%012d", untilPrefix, expires.Unix()/3600)
}

// endOf is when everything in an expiry bucket has expired; false for others.
func endOf(bucket string) (time.Time, bool) {
	text, ok := strings.CutPrefix(bucket, untilPrefix)
	if !ok {
		return time.Time{}, false
	}
	hour, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	return time.Unix((hour+1)*3600, 0), true
}

// A record's key in its bucket is its kind, a zero byte and its id.
func logKey(k store.Key) []byte {
	b := make([]byte, 0, len(k.Kind)+1+len(k.ID))
	b = append(b, k.Kind...)
	b = append(b, 0)
	return append(b, k.ID...)
}

func readLogKey(b []byte) (store.Key, bool) {
	kind, id, ok := strings.Cut(string(b), "\x00")
	k := store.Key{Kind: store.Kind(kind), ID: id}
	return k, ok && k.Check() == nil
}
