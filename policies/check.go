package policies

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What the limit arithmetic can hold exactly (see store/limit).
const (
	maxLogged = 1000              // requests of a sliding_log
	maxBurst  = 1 << 26           // burst of a token_bucket
	maxPer    = 70 * calendarYear // longest period
)

// checkIdentity checks id and tags: they stand in headers, joined by commas.
func (c *compiler) checkIdentity(at string, spec *Spec) {
	if spec.ID == "" {
		c.fault(at+"/id", fault{"a policy needs an id", "write id: NAME"})
	} else if !listable(spec.ID) {
		c.fault(at+"/id", fault{"a policy id must not hold a comma, a blank or a control character", ""})
	}
	for i, tag := range spec.Tags {
		if !listable(tag) {
			c.fault(at+"/tags/"+strconv.Itoa(i), fault{"a tag must not be empty or hold a comma, a blank or a control character", ""})
		}
	}
}

// listable reports whether a name can stand in a comma separated header.
func listable(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == ',' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// checkScopes refuses scopes that no token can hold.
func (c *compiler) checkScopes(at string, scopes []string) {
	for i, scope := range scopes {
		if !scopeToken(scope) {
			c.fault(at+"/"+strconv.Itoa(i), fault{"no token can hold this scope: it is empty or has a blank, a quote or a backslash", "write one scope an element"})
		}
	}
}

// scopeToken is the scope-token of RFC 6749 section 3.3.
func scopeToken(scope string) bool {
	return scope != "" && !strings.ContainsFunc(scope, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\\' || r >= 0x7f
	})
}

// entry checks one allow entry and reads its path. text names it.
func (c *compiler) entry(at string, entry *AllowSpec) (path pattern, text string, ok bool) {
	ok = c.methods(at+"/methods", entry.Methods)
	c.checkScopes(at+"/require_scopes", entry.RequireScopes)
	c.checkRate(at+"/rate", entry.Rate)
	path, f := parsePattern(entry.Path)
	if f != nil {
		c.fault(at+"/path", *f)
	}
	return path, entryText(entry), ok && f == nil
}

// methods checks that methods are written and can match: they are compared
// exactly (RFC 9110 section 9.1).
func (r *report) methods(at string, methods []string) bool {
	if len(methods) == 0 {
		r.fault(at, fault{"methods must be written", "write methods: [GET]"})
		return false
	}
	good := true
	for i, method := range methods {
		place := at + "/" + strconv.Itoa(i)
		switch {
		case !methodToken(method):
			r.fault(place, fault{"this is no method", "write each method out, such as GET"})
		case method != strings.ToUpper(method):
			r.fault(place, fault{"methods are compared exactly and written in capitals", "write " + strings.ToUpper(method)})
		default:
			continue
		}
		good = false
	}
	return good
}

// methodToken is the token of RFC 9110 section 5.6.2, without the star that
// would look like a wildcard.
func methodToken(method string) bool {
	return method != "" && !strings.ContainsFunc(method, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && !strings.ContainsRune("!#$%&'+-.^_`|~", r)
	})
}

// checkRate reports contradictions of a rate.
func (c *compiler) checkRate(at string, rate *Rate) {
	if rate == nil {
		return
	}
	c.checkCount(at, rate.Requests, rate.Per)
	switch rate.Algorithm {
	case "", SlidingWindow, FixedWindow:
	case TokenBucket:
		if max(rate.Burst, rate.Requests) > maxBurst && rate.Burst != 0 {
			c.fault(at+"/burst", fault{"a burst is at most 67108864", ""})
		}
	case SlidingLog:
		if rate.Requests > maxLogged {
			c.fault(at+"/requests", fault{"a sliding_log remembers every request and holds at most 1000", "use sliding_window or token_bucket"})
		}
	default:
		c.fault(at+"/algorithm", fault{
			"there is no algorithm " + shown(string(rate.Algorithm)),
			"write sliding_window, token_bucket, sliding_log or fixed_window",
		})
	}
	switch {
	case rate.Burst < 0:
		c.fault(at+"/burst", fault{"a burst must be at least 1", "leave it out for the requests themselves"})
	case rate.Burst > 0 && rate.Algorithm != TokenBucket:
		c.fault(at+"/burst", fault{"only a token_bucket has a burst", "add algorithm: token_bucket or leave burst out"})
	}
}

// checkQuota reports contradictions of a quota.
func (c *compiler) checkQuota(at string, quota *Quota) {
	if quota == nil {
		return
	}
	c.checkCount(at, quota.Requests, quota.Per)
	switch quota.Anchor {
	case "", FirstRequest:
		if quota.Zone != "" {
			c.fault(at+"/zone", fault{"a zone has no meaning without the calendar", "add anchor: calendar or leave zone out"})
		}
	case Calendar:
		if quota.Requests > 0 && quota.Per > 0 && !calendarPer(quota.Per) {
			c.fault(at+"/per", fault{
				"the calendar has no period of this length",
				"write 24h or a whole part of it, 168h (week from Monday), 720h (month) or 8760h (year)",
			})
		}
		if _, err := loadZone(quota.Zone); err != nil {
			c.fault(at+"/zone", fault{"zone " + shown(quota.Zone) + " is not known", "write a name such as Europe/Berlin or UTC"})
		}
	default:
		c.fault(at+"/anchor", fault{"there is no anchor " + shown(string(quota.Anchor)), "write first_request or calendar"})
	}
}

// checkCount checks the numbers that rates and quotas have in common.
func (c *compiler) checkCount(at string, requests int64, per time.Duration) {
	if requests < -1 {
		c.fault(at+"/requests", fault{"requests must be -1 (unlimited), 0 (none) or more", ""})
	}
	switch {
	case per < 0 || per == 0 && requests > 0:
		c.fault(at+"/per", fault{"requests without a time mean nothing", "write per: 1m"})
	case per > maxPer:
		c.fault(at+"/per", fault{"the time is longer than 70 years", ""})
	}
}
