package authz

import "strings"

// authorization is the header where the scheme Bearer must be written.
const authorization = "authorization"

// location says where the token of an API stands.
type location struct {
	header, query, cookie string // "" is off; the header in lower case
	strip                 bool
	tyk                   bool // cookie over query over header; a raw token on Authorization
}

// located is the credential that a request shows, with the places where something was.
type located struct {
	raw                         string
	inHeader, inQuery, inCookie bool
	from                        string // for explain: header, query or cookie
}

// locate finds the one credential of a request. Two of them are refused, since
// the upstream could read the other one; APIs from Tyk files keep Tyk's order.
func (l *location) locate(req Request, target string) (located, Reason) {
	var found located
	if l.header != "" {
		raw, ok, reason := l.fromHeader(req)
		if reason != "" {
			return found, reason
		}
		if ok {
			found.raw, found.inHeader, found.from = raw, true, "header"
		}
	}
	if l.query != "" {
		value, reason := findQuery(target, l.query)
		if reason != "" {
			return found, reason
		}
		if value != "" {
			found.raw, found.inQuery, found.from = unprefix(value), true, "query"
		}
	}
	if l.cookie != "" {
		value, reason := findCookie(req, l.cookie)
		if reason != "" {
			return found, reason
		}
		if value != "" {
			found.raw, found.inCookie, found.from = unprefix(value), true, "cookie"
		}
	}
	return found, l.judge(found)
}

func (l *location) judge(found located) Reason {
	switch {
	case found.from == "":
		return TokenMissing
	case l.tyk:
		return ""
	case found.inHeader && found.inQuery, found.inHeader && found.inCookie, found.inQuery && found.inCookie:
		return RequestMalformed
	}
	return ""
}

// fromHeader reads the token header. ok is false where there is no credential:
// no header, an empty one, or another scheme on Authorization.
func (l *location) fromHeader(req Request) (raw string, ok bool, reason Reason) {
	value, ok := req.Header(l.header, 0)
	if !ok {
		return "", false, ""
	}
	if _, twice := req.Header(l.header, 1); twice || strings.IndexByte(value, ',') >= 0 {
		return "", false, RequestMalformed // repeated, or joined by the front
	}
	if value == "" {
		return "", false, ""
	}
	raw, scheme := bearer(value)
	if !scheme && l.header == authorization && !l.tyk {
		return "", false, ""
	}
	return raw, true, ""
}

func unprefix(value string) string {
	raw, _ := bearer(value)
	return raw
}

// bearer takes one "Bearer " off (RFC 6750 section 2.1; any case, one space).
// The bare scheme is a credential too: an empty one.
func bearer(value string) (raw string, scheme bool) {
	const prefix = "bearer "
	switch {
	case len(value) >= len(prefix) && strings.EqualFold(value[:len(prefix)], prefix):
		return value[len(prefix):], true
	case strings.EqualFold(value, prefix[:len(prefix)-1]):
		return "", true
	}
	return value, false
}
