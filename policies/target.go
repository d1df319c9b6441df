package policies

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Target is a request target after the contract's stance on paths (section 3,
// access): what the rules decide on, and the parts exactly as the client sent
// them.
type Target struct {
	// Path is the path for decisions: encoded unreserved characters are decoded
	// and the hex digits of the other escapes are upper case (RFC 3986 6.2.2).
	Path string
	// Raw is the path as sent, up to the first "?".
	Raw string
	// Query is what follows the first "?", byte for byte. HasQuery tells "/a?"
	// from "/a".
	Query    string
	HasQuery bool
}

// MaxTarget is the longest request target in bytes (contract section 3, access).
const MaxTarget = 8192

// TargetError says why a request target is refused. It never holds bytes of the
// target, so it can stand in logs and explain steps.
type TargetError string

// The reasons.
const (
	errTargetLong   TargetError = "the target is longer than 8192 bytes"
	errPathStart    TargetError = "the path does not start with a slash"
	errPathByte     TargetError = "the path holds a character that must not stand there raw"
	errPathEmpty    TargetError = "the path holds an empty segment"
	errPathDots     TargetError = "the path holds a dot segment"
	errEscapeBroken TargetError = "the path holds a broken escape"
	errEscapeByte   TargetError = "the path holds an encoded separator, percent sign or control character"
	errEscapeUTF8   TargetError = "the escapes of the path are not UTF-8"
	errQueryByte    TargetError = "the query holds a character that must not stand there raw"
)

// Error gives the reason.
func (e TargetError) Error() string { return string(e) }

// ParseTarget reads a request target as sent. Every error is a TargetError and
// means request_malformed. Proxies and upstreams disagree about what is refused
// here, so there is no path that would be safe to decide on. Without escapes it
// does not allocate.
func ParseTarget(raw string) (Target, error) {
	if len(raw) > MaxTarget {
		return Target{}, errTargetLong
	}
	path, query, hasQuery := strings.Cut(raw, "?")
	canonical, err := canonicalPath(path)
	if err != nil {
		return Target{}, err
	}
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c == '#' || c >= 0x7f {
			return Target{}, errQueryByte
		}
	}
	return Target{Path: canonical, Raw: path, Query: query, HasQuery: hasQuery}, nil
}

// canonicalPath gives the path for decisions.
func canonicalPath(path string) (string, error) {
	if path == "" || path[0] != '/' {
		return "", errPathStart
	}
	escaped := false
	for i := range len(path) {
		if !rawInPath(path[i]) {
			return "", errPathByte
		}
		escaped = escaped || path[i] == '%'
	}
	if escaped {
		var err error
		if path, err = unescape(path); err != nil {
			return "", err
		}
	}
	return path, checkSegments(path)
}

// checkSegments refuses empty and dot segments. It runs on the decoded path, so
// that every spelling of a dot is seen. A trailing slash is no segment.
func checkSegments(path string) error {
	for rest := path[1:]; rest != ""; {
		segment, after, more := strings.Cut(rest, "/")
		switch segment {
		case "":
			return errPathEmpty
		case ".", "..":
			return errPathDots
		}
		if !more {
			break
		}
		rest = after
	}
	return nil
}

// rawInPath reports whether c may stand raw in a path. "%" may; what follows it
// is checked by unescape.
func rawInPath(c byte) bool {
	if c <= ' ' || c >= 0x7f {
		return false
	}
	switch c {
	case ';', '#', '\\', '<', '>', '"', '^', '{', '|', '}', '`', '?':
		return false
	}
	return true
}

// unescape decodes encoded unreserved characters and refuses what is a
// separator, a control or no text to somebody down the line. The result is path
// itself when nothing changes.
func unescape(path string) (string, error) {
	var out []byte // nil while equal to path[:i]
	for i := 0; i < len(path); {
		if path[i] != '%' {
			if out != nil {
				out = append(out, path[i])
			}
			i++
			continue
		}
		size, plain, err := escape(path[i:])
		if err != nil {
			return "", err
		}
		if out == nil && (plain != 0 || lowerHex(path[i:i+size])) {
			out = append(make([]byte, 0, len(path)), path[:i]...)
		}
		switch {
		case plain != 0:
			out = append(out, plain)
		case out != nil:
			out = append(out, strings.ToUpper(path[i:i+size])...)
		}
		i += size
	}
	if out == nil {
		return path, nil
	}
	return string(out), nil
}

// escape reads the escapes of one character at the start of text: how long they
// are, and the character itself when it is unreserved.
func escape(text string) (size int, plain byte, err error) {
	first, ok := hexPair(text)
	if !ok {
		return 0, 0, errEscapeBroken
	}
	switch {
	case unreserved(first):
		return 3, first, nil
	case first < ' ', first == 0x7f, strings.IndexByte(`/\%;?#`, first) >= 0:
		return 0, 0, errEscapeByte
	case first < utf8.RuneSelf:
		return 3, 0, nil
	}
	var char [utf8.UTFMax]byte
	n := 0
	for n < len(char) && !utf8.FullRune(char[:n]) {
		b, ok := hexPair(text[3*n:])
		if !ok {
			break
		}
		char[n] = b
		n++
	}
	r, width := utf8.DecodeRune(char[:n])
	if width < 2 {
		return 0, 0, errEscapeUTF8
	}
	if unicode.IsControl(r) {
		return 0, 0, errEscapeByte
	}
	return 3 * width, 0, nil
}

// hexPair reads "%XX" at the start of text.
func hexPair(text string) (byte, bool) {
	if len(text) < 3 || text[0] != '%' {
		return 0, false
	}
	high, okHigh := hexDigit(text[1])
	low, okLow := hexDigit(text[2])
	return high<<4 | low, okHigh && okLow
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// lowerHex reports whether escapes are written with lower case digits.
func lowerHex(escapes string) bool {
	for i := range len(escapes) {
		if 'a' <= escapes[i] && escapes[i] <= 'f' {
			return true
		}
	}
	return false
}

// unreserved is RFC 3986 section 2.3.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}
