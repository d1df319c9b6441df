package jws

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// str scans from the opening to the closing quote and says whether there are
// escapes between them.
func (s *scanner) str() (escaped bool, refusal *Refusal) {
	text := s.text
	for i := s.pos + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			s.pos = i + 1
			return escaped, nil
		case c == '\\':
			escaped = true
			s.pos = i
			if refusal := s.escape(); refusal != nil {
				return false, refusal
			}
			i = s.pos - 1
		case c < ' ':
			return false, errControl
		}
	}
	return false, errJSON
}

// escape scans one escape, both halves of a surrogate pair together.
func (s *scanner) escape() *Refusal {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
	default:
		return errJSON
	}
	s.pos++
	r, ok := s.hex4()
	if !ok {
		return errJSON
	}
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if !strings.HasPrefix(s.text[s.pos:], `\u`) {
		return errSurrogate
	}
	s.pos += 2
	low, ok := s.hex4()
	if !ok {
		return errJSON
	}
	if utf16.DecodeRune(r, low) == utf8.RuneError {
		return errSurrogate
	}
	return nil
}

func (s *scanner) hex4() (rune, bool) {
	if len(s.text)-s.pos < 4 {
		return 0, false
	}
	r := rune(0)
	for range 4 {
		c := s.text[s.pos]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		s.pos++
	}
	return r, true
}

// number scans a number of RFC 8259 section 6.
func (s *scanner) number() *Refusal {
	if s.peek() == '-' {
		s.pos++
	}
	switch {
	case s.peek() == '0':
		s.pos++
	case !s.digits():
		return errJSON
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return errJSON
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		start := s.pos
		if !s.digits() {
			return errJSON
		}
		if s.pos-start > maxExponent {
			return errNumber
		}
	}
	return nil
}

// digits scans one digit or more.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// unescape resolves the escapes of a text that str accepted.
func unescape(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:i])
		var r rune
		r, text = unescapeOne(text[i+1:])
		out.WriteRune(r)
	}
}

// unescapeOne reads what stands behind a backslash and gives the rest.
func unescapeOne(text string) (rune, string) {
	switch text[0] {
	case 'b':
		return '\b', text[1:]
	case 'f':
		return '\f', text[1:]
	case 'n':
		return '\n', text[1:]
	case 'r':
		return '\r', text[1:]
	case 't':
		return '\t', text[1:]
	case 'u':
		r := hexRune(text[1:5])
		if utf16.IsSurrogate(r) {
			return utf16.DecodeRune(r, hexRune(text[7:11])), text[11:]
		}
		return r, text[5:]
	default:
		return rune(text[0]), text[1:]
	}
}

// hexRune reads four hex digits that hex4 accepted.
func hexRune(digits string) rune {
	n, _ := strconv.ParseUint(digits, 16, 16) // hex4 saw the digits
	return rune(n)
}
