package envoy

import (
	"strings"
	"unicode/utf8"
)

// What may stand in a header. Envoy checks little of it: without
// validate_mutations a line break in a denial splits the client's response, and
// even with it some names desynchronise the upstream connection.
const (
	maxName   = 256      // what is removed may be longer: clients choose such names
	maxValue  = 16 << 10 // Envoy's own API allows no longer header value
	maxCarry  = 60 << 10 // cookie and authorization replace what the client sent: Envoy's header limit
	maxInject = 8 << 10  // names and values added to one request
	maxBody   = 4 << 10  // body of a denial
	maxMeta   = 1 << 10  // one value of the dynamic metadata
)

// validName says whether a text can be the name of a header of ours.
func validName(name string) bool { return len(name) <= maxName && isName(name) }

// isName says whether a header name is an RFC 9110 token in lower case.
func isName(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return name != ""
}

// reservedName says whether a name belongs to the connection or to Envoy: no
// answer may set or remove it.
func reservedName(name string) bool {
	switch name {
	case "host", "content-length", "transfer-encoding", "connection", "te", "upgrade":
		return true
	default:
		return strings.HasPrefix(name, "x-envoy-")
	}
}

// validValue says whether a text can be the value of a header: UTF-8 without
// control characters. The empty value is none: some Envoys drop it and keep what
// the client sent.
func validValue(value string) bool {
	return value != "" && len(value) <= maxValue && isText(value, false)
}

// validCarried is validValue for headers that replace what the client sent: as
// long as the client's own may be, and with the tabs it may hold.
func validCarried(value string) bool {
	return value != "" && len(value) <= maxCarry && isText(value, true)
}

// validTarget says whether a text can replace the request target.
func validTarget(target string) bool {
	if target == "" || target[0] != '/' || len(target) > maxValue {
		return false
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isText says whether a text is UTF-8 without C0 and C1 control characters;
// tabs are a matter of the caller's.
func isText(s string, tabs bool) bool {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '\t' && tabs:
			i++
		case c < ' ' || c == 0x7f:
			return false
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if size == 1 || r < 0xa0 {
				return false
			}
			i += size
		}
	}
	return true
}

// clip makes a text fit for metadata: UTF-8, at most maxMeta bytes, cut between
// characters.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= maxMeta {
		return s
	}
	end := maxMeta
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
