package policies

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func calendarLimit(per time.Duration, zone string) *Limit {
	return countedQuota(key{"", "p"}, "", &Quota{Requests: 1, Per: per, Anchor: Calendar, Zone: zone})
}

func TestCalendar(t *testing.T) {
	tests := []struct {
		zone string
		per  time.Duration
		now  string
		end  string
		next string
	}{
		{"", calendarDay, "2026-03-10T23:59:59.999999Z", "2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z"},
		{"", calendarDay, "2026-03-11T00:00:00Z", "2026-03-12T00:00:00Z", "2026-03-13T00:00:00Z"},
		{"", time.Hour, "2026-03-10T10:30:00Z", "2026-03-10T11:00:00Z", "2026-03-10T12:00:00Z"},
		{"", 6 * time.Hour, "2026-03-10T23:00:00Z", "2026-03-11T00:00:00Z", "2026-03-11T06:00:00Z"},
		{"", calendarWeek, "2026-03-08T12:00:00Z", "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z"}, // Sunday
		{"", calendarWeek, "2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z", "2026-03-23T00:00:00Z"}, // Monday
		{"", calendarMonth, "2024-02-10T00:00:00Z", "2024-03-01T00:00:00Z", "2024-04-01T00:00:00Z"},
		{"", calendarMonth, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z", "2027-02-01T00:00:00Z"},
		{"", calendarYear, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"},
		{"Europe/Berlin", calendarDay, "2026-03-10T23:30:00Z", "2026-03-11T23:00:00Z", "2026-03-12T23:00:00Z"},
		// The day has 23 hours, the next change one of 25.
		{"Europe/Berlin", calendarDay, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"},
		{"Europe/Berlin", calendarDay, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T23:00:00Z"},
		{"Europe/Berlin", 12 * time.Hour, "2026-03-28T23:00:00Z", "2026-03-29T11:00:00Z", "2026-03-29T22:00:00Z"},
		{"Europe/Berlin", 12 * time.Hour, "2026-10-25T11:00:00Z", "2026-10-25T23:00:00Z", "2026-10-26T11:00:00Z"},
		{"Europe/Berlin", time.Hour, "2026-10-25T21:30:00Z", "2026-10-25T22:00:00Z", "2026-10-25T23:00:00Z"},
		// Midnight itself does not exist: the clock goes from 00:00 to 01:00.
		{"America/Sao_Paulo", calendarDay, "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"Asia/Kathmandu", calendarMonth, "2026-01-31T18:15:00Z", "2026-02-28T18:15:00Z", "2026-03-31T18:15:00Z"},
	}
	for _, tt := range tests {
		now, err := time.Parse(time.RFC3339Nano, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		end, next, ok := calendarLimit(tt.per, tt.zone).Ends(now)
		got := []string{end.UTC().Format(time.RFC3339Nano), next.UTC().Format(time.RFC3339Nano)}
		if !ok || got[0] != tt.end || got[1] != tt.next {
			t.Errorf("%s %v at %s: %v, want %s and %s", tt.zone, tt.per, tt.now, got, tt.end, tt.next)
		}
	}
	if _, _, ok := countedQuota(key{"", "p"}, "", &Quota{Requests: 1, Per: time.Hour}).Ends(time.Now()); ok {
		t.Error("a quota from the first request has a calendar")
	}
}

// Whatever the clock does, the end lies ahead, by one period and a day at most,
// and every instant before it has the same end.
func TestCalendarPeriodsFollowEachOther(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"}
	pers := []time.Duration{time.Second, time.Minute, time.Hour, 8 * time.Hour, calendarDay, calendarWeek, calendarMonth, calendarYear}
	rapid.Check(t, func(t *rapid.T) {
		l := calendarLimit(rapid.SampledFrom(pers).Draw(t, "per"), rapid.SampledFrom(zones).Draw(t, "zone"))
		now := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "now"))
		end, next, ok := l.Ends(now)
		if !ok || !end.After(now) || !next.After(end) {
			t.Fatalf("%v: ends %v, %v", now, end, next)
		}
		if end.Sub(now) > l.Quota.Per+2*calendarDay {
			t.Fatalf("%v: the period ends as late as %v", now, end)
		}
		within := now.Add(time.Duration(rapid.Int64Range(0, int64(end.Sub(now))-1).Draw(t, "within")))
		if again, _, _ := l.Ends(within); !again.Equal(end) {
			t.Fatalf("%v ends %v, %v ends %v", now, end, within, again)
		}
	})
}
