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
	list, _ := entries(record)
	now := min(max(c.Now, 0), MaxNow)
	var cells [MaxLimits]cell
	for i := range min(len(c.Limits), MaxLimits) {
		l, s := &c.Limits[i], &cells[i]
		if l.unlimited {
			continue
		}
		*s = l.load(find(list, l), now)
		if l.algorithm != Quota {
			continue
		}
		if s.dead == 0 {
			s.dead = l.periodEnd(now)
		}
		s.b = min(s.b+min(max(c.Cost, 0), MaxNumber), MaxNumber)
	}
	return edit(dst, record, c, &cells)
}

// edit writes states as they are and describes them.
func edit(dst, record []byte, c *Charge, cells *[MaxLimits]cell) ([]byte, Verdict) {
	v := Verdict{Denied: -1, Admitted: true, Write: true}
	if len(c.Limits) > MaxLimits {
		return append(dst, record...), Verdict{Wait: Never}
	}
	list, ours := entries(record)
	v.Foreign = !ours
	stable := Charge{Limits: c.Limits, Now: min(max(c.Now, 0), MaxNow)}
	dst, v.Until = stable.write(dst, list, cells)
	for i := range c.Limits {
		l := &c.Limits[i]
		if l.unlimited {
			v.Usage[i] = Usage{Limit: -1, Remaining: -1, Reset: stable.Now}
			continue
		}
		if wait := l.wait(&cells[i], stable.Now, 1); wait != 0 {
			v.deny(i, wait)
		}
		v.Usage[i] = l.usage(&cells[i], stable.Now)
	}
	v.Admitted = v.Denied < 0
	return dst, v
}
