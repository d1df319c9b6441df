package authz

import (
	"net/url"
	"strings"
)

// findQuery looks for the query parameter called name, in its literal spelling
// only: a percent-encoded name could not be removed exactly. A repeated one is
// refused.
func findQuery(target, name string) (value string, reason Reason) {
	_, query, _ := strings.Cut(target, "?")
	found, others := 0, 0
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if key, v, _ := strings.Cut(pair, "="); key == name {
			found++
			value = v
		} else if readAs(pair, name) {
			others++
		}
	}
	if found > 1 || found == 1 && others > 0 {
		return "", RequestMalformed
	}
	if !strings.ContainsAny(value, "%+") {
		return value, ""
	}
	decoded, err := url.QueryUnescape(value)
	if err != nil {
		return "", TokenMalformed
	}
	return decoded, ""
}

// readAs says whether some reader finds the parameter called name in a pair: by
// decoding names, or where ";" parts pairs, too.
func readAs(pair, name string) bool {
	if !strings.ContainsAny(pair, "%;") {
		return false
	}
	for part := range strings.SplitSeq(pair, ";") {
		key, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(key); err == nil && decoded == name {
			return true
		}
	}
	return false
}

// dropQuery gives the target without the query parameters called name and
// without anything else changed; the "?" goes with the last parameter.
func dropQuery(target, name string) string { return rewriteQuery(target, name, "") }

// rewriteQuery gives the target with another pair in the place of the parameters
// called name; "" takes them out.
func rewriteQuery(target, name, with string) string {
	path, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	var out strings.Builder
	out.Grow(len(target) + len(with))
	out.WriteString(path)
	sep := byte('?')
	for more := true; more; {
		var pair string
		pair, query, more = strings.Cut(query, "&")
		if key, _, _ := strings.Cut(pair, "="); key == name {
			if with == "" {
				continue
			}
			pair = with
		}
		out.WriteByte(sep)
		out.WriteString(pair)
		sep = '&'
	}
	return out.String()
}
