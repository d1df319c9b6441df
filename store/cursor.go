package store

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Place is where a list stands: in a partition, after an id ("" is before the
// first one). Backends give it to callers as a Cursor.
type Place struct {
	Partition int
	After     string
}

// Cursor writes a place as text.
func (p Place) Cursor() Cursor {
	return Cursor(strconv.Itoa(p.Partition) + "." + base64.RawURLEncoding.EncodeToString([]byte(p.After)))
}

// ReadCursor is the reverse. It answers ErrInvalid for what was not given by
// Cursor and for a kind that is not listed.
func ReadCursor(prefix Key, c Cursor) (Place, error) {
	if !prefix.Kind.Listed() {
		return Place{}, fmt.Errorf("%w: records of kind %q are not listed", ErrInvalid, string(prefix.Kind))
	}
	if c == "" {
		return Place{}, nil
	}
	part, after, ok := strings.Cut(string(c), ".")
	n, err := strconv.Atoi(part)
	if !ok || err != nil || n < 0 || n >= Partitions {
		return Place{}, fmt.Errorf("%w: cursor of a list", ErrInvalid)
	}
	id, err := base64.RawURLEncoding.DecodeString(after)
	if err != nil || len(id) > MaxID {
		return Place{}, fmt.Errorf("%w: cursor of a list", ErrInvalid)
	}
	return Place{Partition: n, After: string(id)}, nil
}
