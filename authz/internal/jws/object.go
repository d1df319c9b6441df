package jws

import (
	"iter"
	"strings"
)

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

// usual is the number of members for which an index is made at once.
const usual = 24

// ParseObject reads text as one strict JSON object (RFC 8259 in UTF-8): every
// member once at any depth, at most MaxDepth levels, nothing after it. The error
// is ErrMalformed.
func ParseObject(text string) (Object, error) {
	o, refusal := parseObject(text, fullDepth)
	if refusal != nil {
		return Object{}, refusal
	}
	return o, nil
}

// ParseDocument is ParseObject but for repeated members: only those of the
// outermost object are refused. It is for documents whose entries are judged one
// by one, each with ParseObject.
func ParseDocument(text string) (Object, error) {
	o, refusal := parseObject(text, 1)
	if refusal != nil {
		return Object{}, refusal
	}
	return o, nil
}

func parseObject(text string, unique int) (Object, *Refusal) {
	members, refusal := scanObject(text, make([]member, 0, usual), unique)
	return Object{members: members}, refusal
}

// Len gives the number of members.
func (o Object) Len() int { return len(o.members) }

// Get gives the member called name, byte for byte; an Absent value when there is
// none.
func (o Object) Get(name string) Value {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].value
		}
	}
	return Value{}
}

// Lookup gives the member whose literal name is path; else the value at path
// taken as names joined by dots, through objects ("realm.roles"). Arrays are not
// entered.
func (o Object) Lookup(path string) Value {
	if v := o.Get(path); v.kind != Absent {
		return v
	}
	name, rest, dotted := strings.Cut(path, ".")
	if !dotted {
		return Value{}
	}
	v := o.Get(name)
	for dotted {
		name, rest, dotted = strings.Cut(rest, ".")
		v = v.Member(name)
	}
	return v
}

// All yields the members in the order of the text.
func (o Object) All() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for i := range o.members {
			if !yield(o.members[i].name, o.members[i].value) {
				return
			}
		}
	}
}
