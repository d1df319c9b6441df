package authz

import (
	"unicode/utf8"
)

// Budgets of injected values. Fronts refuse single values over 16 KiB and
// answer 500 when the whole request outgrows 60 KiB; a header that would pass
// the total is left out, like every other value that cannot stand.
const (
	maxHeaderValue  = 16 << 10
	maxHeadersTotal = 8 << 10
)

// canStand says whether text may be sent as a header value: valid UTF-8 without
// controls (C0, DEL, C1) and line separators, not empty, no blank at its ends
// and at most 16 KiB. Everything else is left out (contract section 5), never
// rewritten: a receiver reads what the issuer said, or nothing.
func canStand(text string) bool {
	if text == "" || len(text) > maxHeaderValue {
		return false
	}
	if isBlank(text[0]) || isBlank(text[len(text)-1]) {
		return false
	}
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return false
		}
		if r <= 0x9f || r == '\u2028' || r == '\u2029' || r == '\u0085' {
			return false
		}
		i += size
	}
	return true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// joinable says whether text may be one element of a list that is joined by
// commas: an element with a comma could be read as two.
func joinable(text string) bool {
	for i := range len(text) {
		if text[i] == ',' {
			return false
		}
	}
	return canStand(text)
}
