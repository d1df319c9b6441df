package authz

import (
	"strconv"
	"time"

	"github.com/tollgate-authz/tollgate/store/limit"
)

// show tells the client and the front how far the limits are used: of the limit
// that refuses, else of the one with the fewest requests left (for Tyk's clients
// the quota, where there is one).
func (c *check) show(t *Taken, by *side, index int) {
	if index < 0 {
		by, index = c.least()
	}
	if by == nil {
		return
	}
	u := by.part.Verdict.Usage[index]
	room := make([]byte, 0, 64)
	room = strconv.AppendInt(room, u.Limit, 10)
	first := len(room)
	room = strconv.AppendInt(room, u.Remaining, 10)
	second := len(room)
	room = strconv.AppendInt(room, ceilSeconds(u.Reset), 10)
	text := string(room)
	t.Limit, t.Remaining = text[:first], text[first:second]
	switch c.of.headers {
	case headersLegacy:
		t.Headers = []Header{
			{Name: "x-ratelimit-limit", Value: t.Limit},
			{Name: "x-ratelimit-remaining", Value: t.Remaining},
			{Name: "x-ratelimit-reset", Value: text[second:]},
		}
	case headersIETF:
		t.Headers = c.fields(t, by, index)
	}
}

// least is the limit to show of a request that is admitted.
func (c *check) least() (by *side, index int) {
	var fewest int64
	for _, s := range [...]*side{&c.own, &c.shared} {
		if !s.known {
			continue
		}
		for i := range s.n {
			if c.of.quotas && s.plans[i].quota {
				return s, i
			}
			if left := s.part.Verdict.Usage[i].Remaining; by == nil || left < fewest {
				by, index, fewest = s, i, left
			}
		}
	}
	return by, index
}

// fields are RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers
// (10): every limit, with q requests in w seconds, of which r are left and which is
// whole again in t seconds. Of the limit that refuses t agrees with Retry-After.
func (c *check) fields(t *Taken, by *side, refusing int) []Header {
	var named, state []byte
	now := limit.Micros(c.now)
	for _, s := range [...]*side{&c.own, &c.shared} {
		if !s.known {
			continue
		}
		for i := range s.n {
			p, u := s.plans[i], s.part.Verdict.Usage[i]
			if len(named) > 0 {
				named, state = append(named, ", "...), append(state, ", "...)
			}
			named = append(named, p.named...)
			wait := max(u.Reset-now, 0)
			if t.Reason != "" && s == by && i == refusing {
				wait = t.RetryAfter.Microseconds()
			}
			state = append(append(append(state, '"'), p.name()...), `";r=`...)
			state = strconv.AppendInt(state, u.Remaining, 10)
			state = strconv.AppendInt(append(state, ";t="...), ceilSeconds(wait), 10)
		}
	}
	return []Header{{Name: "ratelimit-policy", Value: string(named)}, {Name: "ratelimit", Value: string(state)}}
}

// ceilSeconds rounds microseconds up.
func ceilSeconds(micros int64) int64 {
	const second = int64(time.Second / time.Microsecond)
	seconds := micros / second
	if micros%second > 0 {
		seconds++
	}
	return seconds
}
