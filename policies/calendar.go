package policies

import "time"

// The periods that a calendar quota can have beside divisions of a day.
const (
	calendarDay   = 24 * time.Hour
	calendarWeek  = 7 * calendarDay   // begins on Monday
	calendarMonth = 30 * calendarDay  // the month of the calendar, 28 to 31 days
	calendarYear  = 365 * calendarDay // the year of the calendar
)

// period is the calendar of a quota.
type period struct {
	per  time.Duration
	zone *time.Location
}

// quotaPeriod gives the calendar of a quota, nil where it has none or where what
// is written is a problem already.
func quotaPeriod(q *Quota) *period {
	if q.Anchor != Calendar || !calendarPer(q.Per) {
		return nil
	}
	zone, err := loadZone(q.Zone)
	if err != nil {
		return nil
	}
	return &period{per: q.Per, zone: zone}
}

// loadZone loads an IANA time zone. "Local" would differ between replicas.
func loadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, &time.ParseError{Message: "Local is no zone of its own"}
	}
	return time.LoadLocation(name)
}

// calendarPer reports whether the calendar has periods of this length.
func calendarPer(per time.Duration) bool {
	return per == calendarWeek || per == calendarMonth || per == calendarYear ||
		per >= time.Second && calendarDay%per == 0
}

// Ends gives when the period of a calendar quota that now lies in ends, and when
// the one after it does. ok is false for every other limit: its period begins
// with the first request.
func (l *Limit) Ends(now time.Time) (end, next time.Time, ok bool) {
	if l.period == nil {
		return time.Time{}, time.Time{}, false
	}
	end = l.period.end(now)
	return end, l.period.end(end), true
}

// end gives the first instant after now at which a period begins. Days of 23 and
// 25 hours are days: parts of a day are counted from midnight, and a rest that is
// shorter than half a part belongs to the last one.
func (p *period) end(now time.Time) time.Time {
	year, month, day := now.In(p.zone).Date()
	switch p.per {
	case calendarYear:
		return p.after(now, func(i int) (int, time.Month, int) { return year + i, time.January, 1 })
	case calendarMonth:
		return p.after(now, func(i int) (int, time.Month, int) { return year, month + time.Month(i), 1 })
	case calendarWeek:
		monday := day - (int(now.In(p.zone).Weekday())+6)%7
		return p.after(now, func(i int) (int, time.Month, int) { return year, month, monday + 7*i })
	default: // a part of a day, or all of it
	}
	tomorrow := p.after(now, func(i int) (int, time.Month, int) { return year, month, day + i })
	midnight := p.midnight(year, month, day)
	end := midnight.Add((max(now.Sub(midnight), 0)/p.per + 1) * p.per)
	if tomorrow.Sub(end) < p.per/2 {
		return tomorrow
	}
	return end
}

// after gives the first of the dates of step 1, 2, … that begins after now: the
// first, but where a zone left out a day.
func (p *period) after(now time.Time, date func(step int) (int, time.Month, int)) time.Time {
	for step := 1; ; step++ {
		if t := p.midnight(date(step)); t.After(now) {
			return t
		}
	}
}

// midnight gives the first instant of a day. Where the clock jumps over 00:00
// time.Date may give an instant of the day before: then the day begins at the
// jump.
func (p *period) midnight(year int, month time.Month, day int) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, p.zone)
	if hour := t.Hour(); hour >= 12 {
		return t.Add(time.Duration(24-hour)*time.Hour - time.Duration(t.Minute())*time.Minute)
	}
	return t
}
