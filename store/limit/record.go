package limit

import "encoding/binary"

// version is the first byte of a record.
const version = 1

// headSize is the length of what stands before the payload of an entry.
const headSize = len(ID{}) + 1 + 2

// entry is one limit's state as a record holds it, head and payload.
type entry []byte

func (e entry) id() uint64      { return binary.BigEndian.Uint64(e) }
func (e entry) kind() Algorithm { return Algorithm(e[8]) }
func (e entry) payload() []byte { return e[headSize:] }

// numbers are those of the payload.
func (e entry) numbers() numbers { return numbers(e[headSize-1:]) }

// dead is the instant from which the entry says nothing.
func (e entry) dead() int64 { return e.numbers().at(0) }

// cut gives the entry at the start of rest, which is not empty: nil where there
// is none that could be ours.
func cut(rest []byte) entry {
	if len(rest) < headSize {
		return nil
	}
	size := headSize + int(rest[headSize-2])<<8 + int(rest[headSize-1])
	if len(rest) < size {
		return nil
	}
	return entry(rest[:size])
}

// sound checks the length and the numbers of a payload.
func (e entry) sound() bool {
	payload := e.payload()
	count := len(payload) / numberSize
	if len(payload)%numberSize != 0 {
		count = -1
	}
	switch e.kind() {
	case SlidingWindow:
		return count == 3 && (payload[0]|payload[numberSize]|payload[2*numberSize]) < tooHigh
	case FixedWindow, Quota:
		return count == 2 && (payload[0]|payload[numberSize]) < tooHigh ||
			count == 3 && (payload[0]|payload[numberSize]|payload[2*numberSize]) < tooHigh
	case TokenBucket:
		return count == 2 && (payload[0]|payload[numberSize]) < tooHigh
	case SlidingLog:
		return count >= 1 && count <= 1+MaxLogged && payload[0] < tooHigh
	default: // of a later version: only dead is known
		return len(payload) >= numberSize && payload[0] < tooHigh
	}
}

// tooHigh is the first byte of 2^53.
const tooHigh = 1 << 5

// reading is what a record says to one request.
type reading struct {
	states  [MaxLimits]numbers // by limit; nil: nothing
	entries []byte
	others  int   // bytes of living entries of other limits
	latest  int64 // … the instant at which the last of them dies
}

// read goes through a record once. ok is false for a foreign one, which counts as
// empty.
func (r *reading) read(record []byte, c *Charge) (ok bool) {
	if len(record) == 0 {
		return true
	}
	if record[0] != version {
		return false
	}
	r.entries = record[1:]
	for rest := r.entries; len(rest) > 0; {
		e := cut(rest)
		if e == nil || !e.sound() {
			*r = reading{}
			return false
		}
		rest = rest[len(e):]
		switch i := c.index(e.id()); {
		case i >= 0:
			if r.states[i] == nil && e.kind() == c.Limits[i].algorithm {
				r.states[i] = e.numbers()
			}
		case e.dead() > c.Now:
			r.others += len(e)
			r.latest = max(r.latest, e.dead())
		}
	}
	return true
}

// index gives the first limit of the request with this id, -1 for none.
func (c *Charge) index(id uint64) int {
	for i := range c.Limits {
		if l := &c.Limits[i]; !l.unlimited && binary.BigEndian.Uint64(l.id[:]) == id {
			return i
		}
	}
	return -1
}

// appendHead appends what stands before the payload of a limit's entry.
func appendHead(dst []byte, l *Limit, size int) []byte {
	dst = append(dst, l.id[:]...)
	return append(dst, byte(l.algorithm), byte(size>>8), byte(size))
}

// appendOthers appends the living entries of other limits, as far as room bytes
// allow: those that die first are left out.
func (r *reading) appendOthers(dst []byte, c *Charge, room int) []byte {
	if r.others == 0 {
		return dst
	}
	floor := c.Now // entries that die up to here are left out
	for r.others > room {
		floor = r.drop(c, floor)
	}
	for rest := r.entries; len(rest) > 0; {
		e := cut(rest)
		rest = rest[len(e):]
		if e.dead() > floor && c.index(e.id()) < 0 {
			dst = append(dst, e...)
		}
	}
	return dst
}

// drop leaves out the entries of other limits that die next after floor, and gives
// the instant at which they do.
func (r *reading) drop(c *Charge, floor int64) int64 {
	least, size := int64(MaxNumber)+1, 0
	for rest := r.entries; len(rest) > 0; {
		e := cut(rest)
		rest = rest[len(e):]
		switch dead := e.dead(); {
		case dead <= floor || c.index(e.id()) >= 0:
		case dead < least:
			least, size = dead, len(e)
		case dead == least:
			size += len(e)
		}
	}
	if r.others -= size; r.others == 0 {
		r.latest = 0
	}
	return least
}
