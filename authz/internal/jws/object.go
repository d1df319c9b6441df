package jws

import "iter"

// Object is one JSON object with an index of its members, made once. The zero
// value has no members. It holds no map[string]any: values stay text until asked
// for. An Object is immutable and safe for concurrent use.
type Object struct {
	members []member
}

type member struct {
	name  string
	value Value
}

// ParseObject reads text as one strict JSON object (RFC 8259 in UTF-8): every
// member once at any depth, at most MaxDepth levels, nothing after it. The error
// is ErrMalformed.
func ParseObject(text string) (Object, error) { return Object{}, ErrMalformed }

// Len gives the number of members.
func (o Object) Len() int { return len(o.members) }

// Get gives the member called name, byte for byte; an Absent value when there is
// none.
func (o Object) Get(name string) Value { return Value{} }

// Lookup gives the member whose literal name is path; else the value at path
// taken as names joined by dots, through objects ("realm.roles"). Arrays are not
// entered.
func (o Object) Lookup(path string) Value { return Value{} }

// All yields the members in the order of the text.
func (o Object) All() iter.Seq2[string, Value] {
	return func(func(string, Value) bool) {}
}
