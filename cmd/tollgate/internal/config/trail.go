package config

import (
	"strconv"
	"strings"
)

// trail is the way from the root of a file to a place in it. It becomes text
// only when there is something to say about the place.
type trail struct {
	up    *trail // nil: the root
	key   string
	index int // of a list, else -1
}

// in gives the trail of a key.
func (t *trail) in(key string) *trail { return &trail{up: t, key: key, index: -1} }

// nth gives the trail of an element of a list.
func (t *trail) nth(index int) *trail { return &trail{up: t, index: index} }

// pointer is the JSON pointer (RFC 6901) of the place.
func (t *trail) pointer() string {
	if t == nil {
		return ""
	}
	if t.index >= 0 {
		return t.up.pointer() + "/" + strconv.Itoa(t.index)
	}
	return t.up.pointer() + "/" + escapePointer(t.key)
}

// name is what messages call the place: its key, with indices behind it.
func (t *trail) name() string {
	switch {
	case t == nil:
		return "the file"
	case t.index < 0:
		return t.key
	default:
		return t.up.name() + "[" + strconv.Itoa(t.index) + "]"
	}
}

func escapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

func unescapePointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
}
