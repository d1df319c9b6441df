package limit

// Peek gives the verdict that Take would give and changes nothing.
func Peek(record []byte, c *Charge) Verdict {
	look := Charge{Limits: c.Limits, Now: c.Now}
	_, v := Take(nil, record, &look)
	return v
}

// Reset forgets what was charged on the limits of c. The next record is appended
// to dst; Write says whether it differs from the old one.
func Reset(dst, record []byte, c *Charge) ([]byte, Verdict) {
	var unused [MaxLimits]cell
	return edit(dst, record, c, &unused)
}

// TopUp adds Cost permits to the quotas of c for their running period, which
// begins now where none is running. Other algorithms are left alone.
func TopUp(dst, record []byte, c *Charge) ([]byte, Verdict) {
	var (
		step  = Charge{Limits: c.Limits, Now: min(max(c.Now, 0), MaxNow)}
		r     reading
		cells [MaxLimits]cell
	)
	if len(step.Limits) <= MaxLimits {
		r.read(record, &step)
	}
	for i := range min(len(step.Limits), MaxLimits) {
		l, s := &step.Limits[i], &cells[i]
		l.load(s, r.states[i], step.Now)
		if l.algorithm != Quota || l.unlimited {
			continue
		}
		if s.dead == 0 {
			*s = cell{dead: l.periodEnd(step.Now)}
		}
		s.b = min(s.b+min(max(c.Cost, 0), MaxNumber), MaxNumber)
	}
	return edit(dst, record, c, &cells)
}

// edit writes states as they are and describes them.
func edit(dst, record []byte, c *Charge, cells *[MaxLimits]cell) ([]byte, Verdict) {
	if len(c.Limits) > MaxLimits {
		return dst, Verdict{Wait: Never}
	}
	v := Verdict{Denied: -1, Write: true}
	step := Charge{Limits: c.Limits, Now: min(max(c.Now, 0), MaxNow)}
	var r reading
	v.Foreign = !r.read(record, &step)
	dst, v.Until = r.write(dst, &step, cells)
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.unlimited {
			v.Usage[i] = Usage{Limit: -1, Remaining: -1, Reset: step.Now}
			continue
		}
		if wait := l.wait(&cells[i], step.Now, 1); wait != 0 {
			v.deny(i, wait)
		}
		v.Usage[i] = l.usage(&cells[i], step.Now)
	}
	v.Admitted = v.Denied < 0
	return dst, v
}

// IDs gives the limits of which a record says something at now. A foreign record
// says nothing.
func IDs(record []byte, now int64) []ID {
	var ids []ID
	each(record, func(e entry) {
		if e.dead() > now {
			ids = append(ids, ID(e))
		}
	})
	return ids
}
