package config

import (
	"fmt"
	"strings"
	"time"
)

// Value is text that may be a reference. It shows the text of the file, never
// what a reference stands for.
type Value struct {
	written string
	ref     *reference // nil: the text itself
}

// Text is the value itself, "" while a reference is not resolved.
func (v Value) Text() string {
	if v.ref != nil {
		return string(v.ref.value)
	}
	return v.written
}

// Written is the text of the file.
func (v Value) Written() string { return v.written }

// IsZero says whether nothing was written.
func (v Value) IsZero() bool { return v.written == "" }

// String is Written without a password: references are not followed.
func (v Value) String() string {
	if userinfo(v.written) {
		scheme, rest, _ := strings.Cut(v.written, "://")
		_, host, _ := strings.Cut(rest, "@")
		return scheme + "://" + redacted + "@" + host
	}
	return v.written
}

// Format makes every verb print String.
func (v Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// MarshalText is String.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Secret is a Value that also hides its text where it is no reference.
type Secret struct {
	value *Value // a pointer, so that no printer of structs walks into it
}

// Bytes is the secret itself, nil while a reference is not resolved.
func (s Secret) Bytes() []byte {
	switch {
	case s.value == nil:
		return nil
	case s.value.ref != nil:
		return s.value.ref.value
	}
	return []byte(s.value.written)
}

// IsZero says whether nothing was written.
func (s Secret) IsZero() bool { return s.value == nil || s.value.written == "" }

// String names the reference, or hides the text.
func (s Secret) String() string {
	switch {
	case s.IsZero():
		return ""
	case s.value.ref != nil && s.value.ref.scheme != schemeBase64:
		return s.value.written
	}
	return redacted
}

// Format makes every verb print String.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText is String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

const redacted = "[redacted]"

// Loose is a Value that may also be written as a number or a boolean; its text
// is then that of the file.
type Loose struct{ Value }

// Path is a path or pattern as written, relative to the file that names it.
type Path string

// PEMPath is the path of a PEM file, made relative to the working directory.
type PEMPath string

// Duration is a length of time, such as 250ms, 5m or 24h.
type Duration time.Duration

// String writes the duration without the zero units of time.Duration.
func (d Duration) String() string {
	text := time.Duration(d).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Size is a number of bytes, such as 65536 or 64MiB.
type Size int64

// Scalar is a text, json.Number, bool or nil of a claim rule.
type Scalar struct{ Value any }

// Many is a list whose only element may stand alone.
type Many []string

// Map is a mapping in the order of the file.
type Map[T any] []Entry[T]

// Entry is one key of a Map.
type Entry[T any] struct {
	Key   string
	Value T
}

// mapping marks Map for the description of types.
func (Map[T]) mapping() {}
