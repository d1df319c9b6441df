package authz

import (
	"strings"
)

// compileLocation says where the token of an API stands.
func compileLocation(a *api, base string, p *problems) {
	spec := &a.spec.Token
	l := &a.location
	*l = location{query: spec.Query, cookie: spec.Cookie, strip: spec.Strip, tyk: a.spec.Tyk}
	if !spec.HeaderOff {
		l.header = strings.ToLower(spec.Header)
		if l.header == "" && l.query == "" && l.cookie == "" {
			l.header = authorization
		}
	}
	if l.header != "" && (!isToken(l.header) || isFraming(l.header) || l.header == "cookie") {
		p.add(at(base, "token", "header"), "cannot carry a token", "Authorization, or a header of your own")
	}
	if l.query != "" && !isLiteral(l.query) {
		p.add(at(base, "token", "query"), "must be a name that needs no escapes: letters, digits, - . _ ~", "access_token")
	}
	if l.cookie != "" && !isToken(l.cookie) {
		p.add(at(base, "token", "cookie"), "is no name of a cookie (RFC 6265 section 4.1.1)", "session")
	}
	if l.header == "" && l.query == "" && l.cookie == "" {
		p.soften(a.spec.Tyk, Problem{At: at(base, "token"), What: "no place is left to look for a token", Instead: "header: Authorization"})
	}
}

// isToken says whether text is a token of RFC 9110 section 5.6.2.
func isToken(text string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	for _, c := range []byte(text) {
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return text != ""
}

// isLiteral says whether text is made of unreserved characters (RFC 3986 section 2.3).
func isLiteral(text string) bool {
	for _, c := range []byte(text) {
		alnum := '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !alnum && strings.IndexByte("-._~", c) < 0 {
			return false
		}
	}
	return text != ""
}

// isFraming says whether a header belongs to HTTP or to the front itself: no
// token is read from it and nothing is injected into it.
func isFraming(name string) bool {
	switch name {
	case "host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade",
		"keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "expect", "http2-settings":
		return true
	}
	return strings.HasPrefix(name, ":") || strings.HasPrefix(name, "x-envoy-")
}
