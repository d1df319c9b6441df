package authz

import "strings"

// cookieLines calls yield with every line of the cookie header.
func cookieLines(req Request, yield func(line string) bool) {
	for n := 0; ; n++ {
		line, ok := req.Header("cookie", n)
		if !ok || !yield(line) {
			return
		}
	}
}

// findCookie looks for the cookie called name. More than one of that name, or
// one that a front may have glued on with a comma, is refused: two readers could
// take different ones.
func findCookie(req Request, name string) (value string, reason Reason) {
	found := 0
	glued := false
	cookieLines(req, func(line string) bool {
		for rest := line; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			glued = glued || hasGlued(pair, name)
			if v, ok := cookieValue(pair, name); ok {
				found++
				value = v
			}
		}
		return true
	})
	if glued || found > 1 || strings.Contains(value, ",") {
		return "", RequestMalformed
	}
	return value, ""
}

// dropCookie gives the cookie header without the cookies called name: every
// other cookie byte for byte and in its order, the lines joined as HTTP/2 has
// them joined (RFC 9113 section 8.2.3).
func dropCookie(req Request, name string) string { return rewriteCookie(req, name, "") }

// rewriteCookie gives the cookie header with another pair in the place of the
// cookies called name; "" takes them out.
func rewriteCookie(req Request, name, with string) string {
	var out strings.Builder
	cookieLines(req, func(line string) bool {
		kept := rewritePairs(line, name, with)
		if kept == "" {
			return true
		}
		if out.Len() > 0 {
			out.WriteString("; ")
		}
		out.WriteString(kept)
		return true
	})
	return out.String()
}

func rewritePairs(line, name, with string) string {
	var out strings.Builder
	out.Grow(len(line) + len(with))
	dropped, first := false, true
	for more := true; more; {
		var pair string
		pair, line, more = strings.Cut(line, ";")
		if _, ok := cookieValue(pair, name); ok {
			if with == "" {
				dropped = true
				continue
			}
			pair = pair[:len(pair)-len(strings.TrimLeft(pair, " \t"))] + with
		}
		if !first {
			out.WriteByte(';')
		}
		first = false
		out.WriteString(pair)
	}
	if !dropped {
		return out.String()
	}
	return strings.TrimLeft(out.String(), " \t")
}

// cookieValue gives the value of a pair if it is the cookie called name. Names
// have case (RFC 6265 section 5.4).
func cookieValue(pair, name string) (string, bool) {
	key, value, ok := strings.Cut(pair, "=")
	if !ok || strings.Trim(key, " \t") != name {
		return "", false
	}
	return strings.Trim(value, " \t"), true
}

// hasGlued looks for ",name=" in a pair: a second cookie line that the front
// joined by a comma.
func hasGlued(pair, name string) bool {
	_, rest, more := strings.Cut(pair, ",")
	for more {
		var piece string
		piece, rest, more = strings.Cut(rest, ",")
		if _, ok := cookieValue(piece, name); ok {
			return true
		}
	}
	return false
}
