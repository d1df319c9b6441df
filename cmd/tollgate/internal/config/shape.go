package config

import (
	"reflect"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// kind is what a place of the file takes.
type kind uint8

const (
	kindObject   kind = iota // known keys
	kindList                 // a list of elem
	kindMap                  // any keys, each with an elem
	kindText                 // text as it stands
	kindValue                // text that may be a reference
	kindSecret               // a value that must not be shown
	kindLoose                // a value, or a number or boolean read as text
	kindPath                 // a path or pattern
	kindPEMPath              // the path of a PEM file
	kindInteger              // a whole number
	kindNumber               // any number
	kindBoolean              // true or false
	kindDuration             // 5m
	kindSize                 // 64MiB
	kindScalar               // any text, number, boolean or null
	kindAllow                // the word all, or a list of elem
)

// form describes what one place of the file takes. The forms of a File are made
// from its Go types and serve decoding, environment, schema and reference.
type form struct {
	kind   kind
	typ    reflect.Type
	fields []*field // kindObject
	elem   *form    // kindList, kindMap, kindAllow
	null   bool     // null is the same as absent
	many   bool     // a list whose only element may stand alone
	enum   []string
	later  []string // words of the contract that no build takes yet
	min    *float64
	max    *float64
}

// field is one key of an object.
type field struct {
	key      string
	owner    string // the Go struct
	goName   string
	index    int // in the Go struct
	form     *form
	required bool
	short    bool // set when a scalar stands for the whole object
	noEnv    bool
	fallback *yaml.Node // what the default tag says; nil: the zero value
	shown    string     // the default as the reference shows it
	feature  string
	unless   *string // the value that needs no feature
	restart  string  // what has to be restarted for a change
}

// find gives the field of a key.
func (f *form) find(key string) *field {
	for _, fd := range f.fields {
		if fd.key == key {
			return fd
		}
	}
	return nil
}

// hasShort says whether a scalar may stand for the object.
func (f *form) hasShort() bool {
	return slices.ContainsFunc(f.fields, func(fd *field) bool { return fd.short })
}

// forms is what all files of one load are held against.
type forms struct {
	file     *form
	fragment *form
	features map[string]bool
	duration *regexp.Regexp
	size     *regexp.Regexp
}

func newForms() *forms {
	return &forms{
		file:     describe[File](),
		fragment: describe[Fragment](),
		features: features(),
		duration: regexp.MustCompile(durationPattern),
		size:     regexp.MustCompile(sizePattern),
	}
}

// describer makes the form of each type once.
type describer struct{ made map[reflect.Type]*form }

// describe gives the form of T.
func describe[T any]() *form {
	d := describer{made: map[reflect.Type]*form{}}
	return d.of(reflect.TypeFor[T]())
}

func (d *describer) of(t reflect.Type) *form {
	if f, ok := d.made[t]; ok {
		return f
	}
	f := &form{typ: t}
	d.made[t] = f
	if t.Kind() == reflect.Pointer {
		*f = *d.of(t.Elem())
		f.typ, f.null = t, true
		return f
	}
	if k, ok := leaf(t); ok {
		f.kind = k
		return f
	}
	switch {
	case t == reflect.TypeFor[Allow]():
		f.kind, f.elem = kindAllow, d.of(reflect.TypeFor[AllowEntry]())
	case t.Implements(reflect.TypeFor[interface{ mapping() }]()):
		entry, _ := t.Elem().FieldByName("Value")
		f.kind, f.elem = kindMap, d.of(entry.Type)
	case t.Kind() == reflect.Slice:
		f.kind, f.elem = kindList, d.of(t.Elem())
		f.many = t == reflect.TypeFor[Many]()
	default:
		f.kind = kindObject
		for i := range t.NumField() {
			if t.Field(i).IsExported() {
				fd := d.field(t.Field(i), i)
				fd.owner = t.Name()
				f.fields = append(f.fields, fd)
			}
		}
	}
	return f
}

// leaf gives the kind of a type that one scalar fills.
func leaf(t reflect.Type) (kind, bool) {
	switch t {
	case reflect.TypeFor[Value]():
		return kindValue, true
	case reflect.TypeFor[Secret]():
		return kindSecret, true
	case reflect.TypeFor[Loose]():
		return kindLoose, true
	case reflect.TypeFor[Path]():
		return kindPath, true
	case reflect.TypeFor[PEMPath]():
		return kindPEMPath, true
	case reflect.TypeFor[Duration]():
		return kindDuration, true
	case reflect.TypeFor[Size]():
		return kindSize, true
	case reflect.TypeFor[Scalar]():
		return kindScalar, true
	}
	switch t.Kind() {
	case reflect.String:
		return kindText, true
	case reflect.Int, reflect.Int64:
		return kindInteger, true
	case reflect.Float64:
		return kindNumber, true
	case reflect.Bool:
		return kindBoolean, true
	default:
		return 0, false
	}
}
