package limit

import "encoding/binary"

// version is the first byte of a record.
const version = 1

// headSize is the length of what stands before the payload of an entry.
const headSize = len(ID{}) + 1 + 2

// entry is one limit's state within a record. It points into the record.
type entry struct {
	id      ID
	kind    Algorithm
	payload []byte
	whole   []byte // head and payload
}

// dead is the instant from which the entry says nothing.
func (e *entry) dead() int64 { return number(e.payload) }

// next reads the entry at the start of rest, which is not empty. ok is false
// where there is none that could be ours.
func next(rest []byte) (e entry, after []byte, ok bool) {
	if len(rest) < headSize {
		return entry{}, nil, false
	}
	size := headSize + int(binary.BigEndian.Uint16(rest[headSize-2:]))
	if len(rest) < size {
		return entry{}, nil, false
	}
	e = entry{id: ID(rest[:8]), kind: Algorithm(rest[8]), payload: rest[headSize:size], whole: rest[:size]}
	return e, rest[size:], e.sound()
}

// sound checks the length and the numbers of a payload.
func (e *entry) sound() bool {
	size := len(e.payload)
	switch e.kind {
	case SlidingWindow, FixedWindow, Quota:
		if size != 3*numberSize {
			return false
		}
	case TokenBucket:
		if size != 2*numberSize {
			return false
		}
	case SlidingLog:
		if size < numberSize || size%numberSize != 0 || size > (1+MaxLogged)*numberSize {
			return false
		}
	default: // of a later version: only dead is known
		return size >= numberSize && e.payload[0] < 1<<5
	}
	for at := 0; at < size; at += numberSize {
		if e.payload[at] >= 1<<5 { // 2^53 and more
			return false
		}
	}
	return true
}

// entries gives the entries of a record as bytes. ok is false for a foreign
// record; an empty record has none.
func entries(record []byte) (list []byte, ok bool) {
	if len(record) == 0 {
		return nil, true
	}
	if record[0] != version {
		return nil, false
	}
	for rest := record[1:]; len(rest) > 0; {
		if _, rest, ok = next(rest); !ok {
			return nil, false
		}
	}
	return record[1:], true
}

// find gives the payload that belongs to a limit, nil for none.
func find(list []byte, l *Limit) []byte {
	for len(list) > 0 {
		var e entry
		if e, list, _ = next(list); e.id == l.id {
			if e.kind == l.algorithm {
				return e.payload
			}
			return nil
		}
	}
	return nil
}

// appendHead appends what stands before the payload of a limit's entry.
func appendHead(dst []byte, l *Limit, size int) []byte {
	dst = append(dst, l.id[:]...)
	dst = append(dst, byte(l.algorithm))
	return binary.BigEndian.AppendUint16(dst, uint16(size)) //nolint:gosec // at most (1+MaxLogged)·7
}

// others appends the living entries of a list that belong to none of limits, as
// far as room bytes allow: those that die first are left out. until is the
// latest dead of them.
func others(dst, list []byte, c *Charge, room int) (out []byte, until int64) {
	floor := c.Now // entries up to here are left out
	for {
		size, least := 0, int64(MaxNumber)
		until = 0
		for rest := list; len(rest) > 0; {
			var e entry
			if e, rest, _ = next(rest); e.dead() > floor && !c.names(e.id) {
				size += len(e.whole)
				least = min(least, e.dead())
				until = max(until, e.dead())
			}
		}
		if size <= room {
			break
		}
		floor = least
	}
	for len(list) > 0 {
		var e entry
		if e, list, _ = next(list); e.dead() > floor && !c.names(e.id) {
			dst = append(dst, e.whole...)
		}
	}
	return dst, until
}

// names reports whether one of the request's limits has this id.
func (c *Charge) names(id ID) bool {
	for i := range c.Limits {
		if c.Limits[i].id == id && !c.Limits[i].unlimited {
			return true
		}
	}
	return false
}
