package limit

import (
	"encoding/binary"
	"time"
)

// Most that is reserved ahead of a quota: a sixteenth of it, and so many permits.
const (
	reserveShare = 16
	reserveMost  = 1000
)

// Covered reports whether a record that is safe on disk covers next for the
// quotas of c: after a crash, beginning from safe admits no more than going on
// from next would.
func Covered(safe, next []byte, c *Charge) bool {
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.algorithm != Quota || l.unlimited {
			continue
		}
		now := l.find(next)
		if now == nil {
			continue
		}
		kept := l.find(safe)
		if kept == nil || kept.at(0) != now.at(0) || kept.extra() != now.extra() || kept.at(1) < now.at(1) {
			return false
		}
	}
	return true
}

// Reserve appends the record to make safe before next may count: the quotas of c
// with permits reserved ahead, other quotas as they are safe already, nothing of
// limits that a crash may forget. It gives the instant until which that record
// says something.
func Reserve(dst, safe, next []byte, c *Charge) (record []byte, until time.Time) {
	dst = append(dst, version)
	var latest int64
	each(safe, func(e entry) {
		if e.kind() == Quota && c.index(e.id()) < 0 && e.dead() > c.Now {
			dst, latest = append(dst, e...), max(latest, e.dead())
		}
	})
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.algorithm != Quota || l.unlimited || c.index(binary.BigEndian.Uint64(l.id[:])) != i {
			continue
		}
		now := l.find(next)
		if now == nil {
			continue
		}
		s := cell{dead: now.at(0), a: now.at(1), b: now.extra()}
		total := l.total(&s)
		ahead := min(max(total/reserveShare, 1), reserveMost) - 1
		s.a = max(s.a, min(s.a+ahead, total))
		dst = l.append(appendHead(dst, l, l.size(&s)), &s)
		latest = max(latest, s.dead)
	}
	return dst, time.UnixMicro(latest)
}

// Exact appends only the quotas of a record that live at now, as they are: what
// an orderly end makes safe.
func Exact(dst, record []byte, now int64) (out []byte, until time.Time) {
	start := len(dst)
	dst = append(dst, version)
	var latest int64
	each(record, func(e entry) {
		if e.kind() == Quota && e.dead() > now {
			dst, latest = append(dst, e...), max(latest, e.dead())
		}
	})
	if len(dst) == start+1 {
		return dst[:start], time.Time{}
	}
	return dst, time.UnixMicro(latest)
}

// find gives the numbers of a limit in a record, nil for none.
func (l *Limit) find(record []byte) (found numbers) {
	each(record, func(e entry) {
		if found == nil && e.kind() == l.algorithm && e.id() == binary.BigEndian.Uint64(l.id[:]) {
			found = e.numbers()
		}
	})
	return found
}

// each goes through the entries of a record of ours.
func each(record []byte, yield func(entry)) {
	if len(record) == 0 || record[0] != version {
		return
	}
	for rest := record[1:]; len(rest) > 0; {
		e := cut(rest)
		if e == nil || !e.sound() {
			return
		}
		yield(e)
		rest = rest[len(e):]
	}
}
