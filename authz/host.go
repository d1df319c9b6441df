package authz

import "strings"

// hostOf reduces an authority to the host that APIs are chosen by: lower case,
// without port and without one trailing dot. It refuses (ok false) what two
// readers could take for different hosts (contract section 4), letters beyond
// ASCII among them: their lower case may be one of ASCII. A host that is empty is
// fine here; only "*" matches it.
func hostOf(authority string) (host string, ok bool) {
	for i := range len(authority) {
		switch c := authority[i]; {
		case c <= ' ' || c >= 0x7f, c == ',', c == '@', c == '/', c == '?', c == '#', c == '\\':
			return "", false
		}
	}
	host = authority
	switch colon := strings.LastIndexByte(host, ':'); {
	case strings.HasPrefix(host, "["): // an IPv6 literal, RFC 3986 section 3.2.2
		end := strings.IndexByte(host, ']')
		if end < 0 || !isPort(host[end+1:]) {
			return "", false
		}
		host = host[:end+1]
	case colon >= 0:
		if strings.IndexByte(host, ':') != colon || !isPort(host[colon:]) {
			return "", false
		}
		host = host[:colon]
	}
	host = strings.TrimSuffix(host, ".")
	return strings.ToLower(host), true
}

// isPort says whether text is nothing or a colon with digits.
func isPort(text string) bool {
	if text == "" {
		return true
	}
	if text[0] != ':' {
		return false
	}
	for _, c := range []byte(text[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
