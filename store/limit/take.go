package limit

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
	list, ours := entries(record)
	v.Foreign = !ours
	now := min(max(c.Now, 0), MaxNow)
	var cells [MaxLimits]cell
	repaired := false
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.unlimited {
			v.Usage[i] = Usage{Limit: -1, Remaining: -1, Reset: now}
			continue
		}
		cells[i] = l.load(find(list, l), now)
		repaired = repaired || cells[i].repaired
		if wait := l.wait(&cells[i], now, max(c.Cost, 1)); wait != 0 {
			v.deny(i, wait)
		}
	}
	v.Admitted = v.Denied < 0
	charged := v.Admitted && c.Cost > 0
	for i := range c.Limits {
		if l := &c.Limits[i]; !l.unlimited {
			if charged {
				l.charge(&cells[i], now, c.Cost)
			}
			v.Usage[i] = l.usage(&cells[i], now)
		}
	}
	if v.Write = charged || repaired && c.Cost > 0; !v.Write {
		return dst, v
	}
	stable := Charge{Limits: c.Limits, Now: now}
	dst, v.Until = stable.write(dst, list, &cells)
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
func (c *Charge) write(dst, list []byte, cells *[MaxLimits]cell) (out []byte, until int64) {
	size := 1
	for i := range c.Limits {
		if cells[i].dead > 0 && c.first(i) {
			size += headSize + c.Limits[i].size(&cells[i])
		}
	}
	start := len(dst)
	dst, until = others(append(dst, version), list, c, max(MaxRecord-size, 0))
	for i := range c.Limits {
		l := &c.Limits[i]
		if cells[i].dead > 0 && c.first(i) {
			dst = l.append(appendHead(dst, l, l.size(&cells[i])), &cells[i])
			until = max(until, cells[i].dead)
		}
	}
	if len(dst) == start+1 {
		return dst[:start], 0
	}
	return dst, until
}

// first reports whether no earlier limit of the request has the id of this one.
func (c *Charge) first(i int) bool {
	for j := range i {
		if c.Limits[j].id == c.Limits[i].id && !c.Limits[j].unlimited {
			return false
		}
	}
	return true
}

// cell is the state of one limit brought to now. dead 0 is an unused limit.
type cell struct {
	dead, a, b int64
	times      []byte // of a sliding log: the instants that still count
	late       int64  // … instants after this one are read as it
	added      int64  // … charged now, at instant a
	repaired   bool
}

// load reads the state of a limit; payload is nil where there is none.
func (l *Limit) load(payload []byte, now int64) cell {
	if payload == nil || number(payload) <= now {
		return cell{}
	}
	switch l.algorithm {
	case SlidingWindow:
		return l.loadWindow(payload, now)
	case TokenBucket:
		return l.loadBucket(payload, now)
	case SlidingLog:
		return l.loadLog(payload, now)
	default:
		return l.loadCount(payload, now)
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
		return numberSize + len(s.times) + int(s.added)*numberSize
	default:
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
	default:
		return appendNumber(appendNumber(dst, s.a), s.b)
	}
}
