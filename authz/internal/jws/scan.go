package jws

import (
	"slices"
	"unicode/utf8"
)

// MaxDepth bounds the nesting of JSON: real claims stay below ten levels.
const MaxDepth = 64

// fullDepth makes a scan refuse repeated members at every depth.
const fullDepth = MaxDepth

// maxExponent bounds the digits of an exponent: three are beyond every float64,
// and what others make of more is anybody's guess.
const maxExponent = 3

// wide is the number of members from which a set replaces comparing each new
// name with all before it: quadratic work must stay out of reach.
const wide = 32

var (
	errUTF8      = refuse(ErrMalformed, "JSON is not valid UTF-8")
	errNotObject = refuse(ErrMalformed, "JSON is not one object")
	errJSON      = refuse(ErrMalformed, "JSON does not follow the grammar")
	errTrailing  = refuse(ErrMalformed, "JSON is followed by other text")
	errDepth     = refuse(ErrMalformed, "JSON is nested deeper than 64 levels")
	errDuplicate = refuse(ErrMalformed, "JSON repeats a member")
	errSurrogate = refuse(ErrMalformed, "JSON has a lone surrogate")
	errNumber    = refuse(ErrMalformed, "JSON has a number with an exponent of more than three digits")
	errControl   = refuse(ErrMalformed, "JSON has a control character in a text")
)

// scanner walks JSON text once, front to back. It gives positions, not copies.
type scanner struct {
	text   string
	pos    int
	depth  int
	unique int      // members are compared in objects up to this depth
	names  []string // of the open objects, outermost first
}

// scanObject checks that text is one strict JSON object and appends its members
// to index. Repeated members are refused in objects nested up to unique deep.
func scanObject(text string, index []member, unique int) ([]member, *Refusal) {
	if !utf8.ValidString(text) {
		return nil, errUTF8
	}
	var room [wide]string
	s := scanner{text: text, unique: unique, names: room[:0]}
	s.space()
	if s.peek() != '{' {
		return nil, errNotObject
	}
	index, refusal := s.object(index, true)
	if refusal != nil {
		return nil, refusal
	}
	s.space()
	if s.pos != len(text) {
		return nil, errTrailing
	}
	return index, nil
}

// peek gives the byte at pos, 0 at the end; no JSON token begins with 0.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) value() (Value, *Refusal) {
	start := s.pos
	v := Value{}
	var refusal *Refusal
	switch s.peek() {
	case '"':
		v.kind = String
		v.escaped, refusal = s.str()
	case '{':
		v.kind = ObjectKind
		_, refusal = s.object(nil, false)
	case '[':
		v.kind = Array
		refusal = s.array()
	case 't':
		v.kind, refusal = Bool, s.literal("true")
	case 'f':
		v.kind, refusal = Bool, s.literal("false")
	case 'n':
		v.kind, refusal = Null, s.literal("null")
	default:
		v.kind, refusal = Number, s.number()
	}
	v.raw = s.text[start:s.pos]
	return v, refusal
}

func (s *scanner) literal(word string) *Refusal {
	end := s.pos + len(word)
	if end > len(s.text) || s.text[s.pos:end] != word {
		return errJSON
	}
	s.pos = end
	return nil
}

// object scans from '{' to its '}' and, with keep, appends the members to index.
func (s *scanner) object(index []member, keep bool) ([]member, *Refusal) {
	if s.depth++; s.depth > MaxDepth {
		return nil, errDepth
	}
	s.pos++
	outer := len(s.names)
	var seen map[string]struct{}
	for more := s.open('}'); more; {
		name, refusal := s.name()
		if refusal != nil {
			return nil, refusal
		}
		if s.depth <= s.unique {
			if seen, refusal = s.once(outer, seen, name); refusal != nil {
				return nil, refusal
			}
		}
		v, refusal := s.value()
		if refusal != nil {
			return nil, refusal
		}
		if keep {
			index = append(index, member{name: name, value: v})
		}
		if more, refusal = s.next('}'); refusal != nil {
			return nil, refusal
		}
	}
	s.names = s.names[:outer]
	s.depth--
	return index, nil
}

// name scans a member's name and the colon behind it.
func (s *scanner) name() (string, *Refusal) {
	start := s.pos
	if s.peek() != '"' {
		return "", errJSON
	}
	escaped, refusal := s.str()
	if refusal != nil {
		return "", refusal
	}
	name := s.text[start+1 : s.pos-1]
	if escaped {
		name = unescape(name)
	}
	s.space()
	if s.peek() != ':' {
		return "", errJSON
	}
	s.pos++
	s.space()
	return name, nil
}

// once notes name among those of the innermost object, which begin at outer.
func (s *scanner) once(outer int, seen map[string]struct{}, name string) (map[string]struct{}, *Refusal) {
	if seen == nil {
		if slices.Contains(s.names[outer:], name) {
			return nil, errDuplicate
		}
		s.names = append(s.names, name)
		if len(s.names)-outer < wide {
			return nil, nil
		}
		seen = make(map[string]struct{}, 2*wide)
		for _, other := range s.names[outer:] {
			seen[other] = struct{}{}
		}
		return seen, nil
	}
	if _, again := seen[name]; again {
		return nil, errDuplicate
	}
	seen[name] = struct{}{}
	return seen, nil
}

func (s *scanner) array() *Refusal {
	if s.depth++; s.depth > MaxDepth {
		return errDepth
	}
	s.pos++
	for more := s.open(']'); more; {
		_, refusal := s.value()
		if refusal != nil {
			return refusal
		}
		if more, refusal = s.next(']'); refusal != nil {
			return refusal
		}
	}
	s.depth--
	return nil
}

// open steps to the first element of a container, or over its end.
func (s *scanner) open(end byte) (more bool) {
	s.space()
	if s.peek() == end {
		s.pos++
		return false
	}
	return true
}

// next steps behind an element: to the following one, or over the end.
func (s *scanner) next(end byte) (more bool, refusal *Refusal) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return true, nil
	case end:
		s.pos++
		return false, nil
	default:
		return false, errJSON
	}
}
