package jws

import (
	"iter"
	"strings"
)

// Kind is the JSON type of a value.
type Kind uint8

// The kinds. The zero value is that of a member that is not there.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	ObjectKind
)

// String names the kind as JSON does.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "boolean"
	case Number:
		return "number"
	case String:
		return "string"
	case Array:
		return "array"
	case ObjectKind:
		return "object"
	case Absent:
	}
	return "absent"
}

// Value is one JSON value of an Object: a kind and the text it stands in. The
// zero value is Absent.
type Value struct {
	kind    Kind
	escaped bool // String with at least one escape
	raw     string
}

// Kind gives the JSON type.
func (v Value) Kind() Kind { return v.kind }

// Raw gives the JSON text of v exactly as it was sent, "" for Absent.
func (v Value) Raw() string { return v.raw }

// Text gives the decoded text of a String, and of a Number or Bool the exact
// text of the token; "" for everything else. It may hold control characters that
// the token wrote as escapes.
func (v Value) Text() string {
	switch v.kind {
	case Number, Bool:
		return v.raw
	case String:
		text := v.raw[1 : len(v.raw)-1]
		if v.escaped {
			return unescape(text)
		}
		return text
	case Absent, Null, Array, ObjectKind:
	}
	return ""
}

// IsTrue says whether v is true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.raw == "true" }

// Items yields the elements of an Array, nothing for other kinds.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.kind != Array {
			return
		}
		for pos := skip(v.raw, 1); v.raw[pos] != ']'; pos = skip(v.raw, pos) {
			item := known(v.raw[pos:])
			if !yield(item) {
				return
			}
			pos += len(item.raw)
		}
	}
}

// Members yields the members of an ObjectKind, nothing for other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != ObjectKind {
			return
		}
		for pos := skip(v.raw, 1); v.raw[pos] != '}'; pos = skip(v.raw, pos) {
			name := known(v.raw[pos:])
			pos = skip(v.raw, pos+len(name.raw))
			item := known(v.raw[pos:])
			if !yield(name.Text(), item) {
				return
			}
			pos += len(item.raw)
		}
	}
}

// Member gives the member of an ObjectKind called name, else Absent.
func (v Value) Member(name string) Value {
	for other, item := range v.Members() {
		if other == name {
			return item
		}
	}
	return Value{}
}

// Object gives the index of an ObjectKind whose members are read more than once.
// The error is ErrMalformed: v is no object, or repeats a member.
func (v Value) Object() (Object, error) {
	return ParseObject(v.raw)
}

// skip steps over white space and the separators between elements of text that
// the scanner accepted.
func skip(text string, pos int) int {
	for pos < len(text) && strings.IndexByte(" \t\n\r,:", text[pos]) >= 0 {
		pos++
	}
	return pos
}

// known gives the value at the start of text that the scanner accepted.
func known(text string) Value {
	switch text[0] {
	case '"':
		end, escaped := stringEnd(text)
		return Value{kind: String, escaped: escaped, raw: text[:end]}
	case '{':
		return Value{kind: ObjectKind, raw: text[:containerEnd(text)]}
	case '[':
		return Value{kind: Array, raw: text[:containerEnd(text)]}
	case 't':
		return Value{kind: Bool, raw: text[:len("true")]}
	case 'f':
		return Value{kind: Bool, raw: text[:len("false")]}
	case 'n':
		return Value{kind: Null, raw: text[:len("null")]}
	default:
		end := strings.IndexAny(text, " \t\n\r,]}")
		if end < 0 {
			end = len(text)
		}
		return Value{kind: Number, raw: text[:end]}
	}
}

func stringEnd(text string) (end int, escaped bool) {
	for end = 1; text[end] != '"'; end++ {
		if text[end] == '\\' {
			escaped = true
			end++
		}
	}
	return end + 1, escaped
}

func containerEnd(text string) int {
	depth := 0
	for pos := 0; ; pos++ {
		switch text[pos] {
		case '"':
			end, _ := stringEnd(text[pos:])
			pos += end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return pos + 1
			}
		}
	}
}
