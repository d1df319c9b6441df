package limit

import "encoding/binary"

// Charge is one request as its limits see it.
type Charge struct {
	Limits []Limit // at most MaxLimits, all of one record, each id once
	Cost   int64   // 0 only looks: the verdict is that of 1
	Now    int64   // Micros
}

// Verdict is the outcome of a step.
type Verdict struct {
	Admitted bool
	Denied   int   // index of the first limit that refused; -1 for none
	Wait     int64 // microseconds until every limit would admit; Never
	Write    bool  // the returned record replaces the old one
	Foreign  bool  // the record was not ours and counted as empty
	Until    int64 // with Write: the instant from which the record says nothing
	Usage    [MaxLimits]Usage
}

// Usage is how far one limit is used after a step.
type Usage struct {
	Limit     int64 // how much there is in all; -1 unlimited
	Remaining int64 // what is left of it; -1 unlimited
	Reset     int64 // the instant at which all of it is there again
}

// Take charges a request on all of its limits or, where one refuses, on none. The
// next record is appended to dst; with an empty record every limit is unused.
// Neither record nor dst is kept, and they must not overlap. Take does not
// allocate when dst has room.
func Take(dst, record []byte, c *Charge) ([]byte, Verdict) {
	v := Verdict{Denied: -1}
	if len(c.Limits) > MaxLimits || c.Cost > MaxBurst {
		v.Denied, v.Wait = 0, Never
		return dst, v
	}
	step := Charge{Limits: c.Limits, Cost: c.Cost, Now: min(max(c.Now, 0), MaxNow)}
	var r reading
	v.Foreign = !r.read(record, &step)
	var cells [MaxLimits]cell
	repaired := false
	for i := range step.Limits {
		l := &step.Limits[i]
		if l.unlimited {
			v.Usage[i] = Usage{Limit: -1, Remaining: -1, Reset: step.Now}
			continue
		}
		l.load(&cells[i], r.states[i], step.Now)
		repaired = repaired || cells[i].repaired
		if wait := l.wait(&cells[i], step.Now, max(step.Cost, 1)); wait != 0 {
			v.deny(i, wait)
		}
	}
	v.Admitted = v.Denied < 0
	charged := v.Admitted && step.Cost > 0
	for i := range step.Limits {
		if l := &step.Limits[i]; !l.unlimited {
			if charged {
				l.charge(&cells[i], step.Now, step.Cost)
			}
			v.Usage[i] = l.usage(&cells[i], step.Now)
		}
	}
	if v.Write = charged || repaired && step.Cost > 0; v.Write {
		dst, v.Until = r.write(dst, &step, &cells)
	}
	return dst, v
}

// deny notes a limit that refuses: the first one answers, the longest wait counts.
func (v *Verdict) deny(i int, wait int64) {
	if v.Denied < 0 {
		v.Denied = i
	}
	if wait == Never || v.Wait == Never {
		v.Wait = Never
		return
	}
	v.Wait = max(v.Wait, wait)
}

// write appends the record: other limits first, then those of the request. A
// record without entries is nothing.
func (r *reading) write(dst []byte, c *Charge, cells *[MaxLimits]cell) (out []byte, until int64) {
	start, size := len(dst), 1
	for i := range c.Limits {
		if c.writes(i, cells) {
			size += headSize + c.Limits[i].size(&cells[i])
		}
	}
	dst = r.appendOthers(append(dst, version), c, max(MaxRecord-size, 0))
	until = r.latest
	for i := range c.Limits {
		if c.writes(i, cells) {
			l := &c.Limits[i]
			dst = l.append(appendHead(dst, l, l.size(&cells[i])), &cells[i])
			until = max(until, cells[i].dead)
		}
	}
	if len(dst) == start+1 {
		return dst[:start], 0
	}
	return dst, until
}

// writes reports whether a limit has something to say that no limit of the same id
// said before.
func (c *Charge) writes(i int, cells *[MaxLimits]cell) bool {
	return cells[i].dead > c.Now && c.index(binary.BigEndian.Uint64(c.Limits[i].id[:])) == i
}

// cell is the state of one limit brought to now. dead 0 is an unused limit.
type cell struct {
	dead, a, b int64
	times      numbers // of a sliding log: the instants that still count
	late       int64   // … instants after this one are read as it
	added      int64   // … charged now, at instant a
	repaired   bool
}

// load reads the state of a limit; stored is nil where there is none.
func (l *Limit) load(s *cell, stored numbers, now int64) {
	if stored == nil {
		return
	}
	if s.dead = stored.at(0); s.dead <= now {
		s.dead = 0
		return
	}
	switch l.algorithm {
	case SlidingWindow:
		l.loadWindow(s, stored, now)
	case TokenBucket:
		l.loadBucket(s, stored, now)
	case SlidingLog:
		l.loadLog(s, stored, now)
	default:
		l.loadCount(s, stored, now)
	}
}

// wait gives how long it takes until cost would be admitted, 0 for now.
func (l *Limit) wait(s *cell, now, cost int64) int64 {
	switch l.algorithm {
	case SlidingWindow:
		return l.waitWindow(s, now, cost)
	case TokenBucket:
		return l.waitBucket(s, now, cost)
	case SlidingLog:
		return l.waitLog(s, now, cost)
	default:
		return l.waitCount(s, now, cost)
	}
}

// charge adds cost to a state that admits it.
func (l *Limit) charge(s *cell, now, cost int64) {
	switch l.algorithm {
	case SlidingWindow:
		l.chargeWindow(s, now, cost)
	case TokenBucket:
		l.chargeBucket(s, now, cost)
	case SlidingLog:
		l.chargeLog(s, now, cost)
	default:
		l.chargeCount(s, now, cost)
	}
}

// usage describes a state.
func (l *Limit) usage(s *cell, now int64) Usage {
	if s.dead == 0 {
		return Usage{Limit: l.n, Remaining: l.n, Reset: now}
	}
	switch l.algorithm {
	case SlidingWindow:
		return l.usageWindow(s, now)
	case TokenBucket:
		return l.usageBucket(s, now)
	case SlidingLog:
		return l.usageLog(s)
	default:
		return l.usageCount(s)
	}
}

// size is the length of a state's payload.
func (l *Limit) size(s *cell) int {
	switch l.algorithm {
	case TokenBucket:
		return 2 * numberSize
	case SlidingLog:
		return (1 + s.times.count() + int(s.added)) * numberSize
	case SlidingWindow:
		return 3 * numberSize
	default:
		if s.b == 0 {
			return 2 * numberSize
		}
		return 3 * numberSize
	}
}

// append appends a state's payload.
func (l *Limit) append(dst []byte, s *cell) []byte {
	dst = appendNumber(dst, s.dead)
	switch l.algorithm {
	case TokenBucket:
		return appendNumber(dst, s.a)
	case SlidingLog:
		return l.appendLog(dst, s)
	case SlidingWindow:
		return appendNumber(appendNumber(dst, s.a), s.b)
	default:
		if dst = appendNumber(dst, s.a); s.b == 0 {
			return dst
		}
		return appendNumber(dst, s.b)
	}
}
