package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"unicode/utf8"
)

// slowObject is the oracle of the scanner: one strict JSON object read through
// encoding/json, slowly and obviously.
func slowObject(text string) (map[string]any, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("no UTF-8")
	}
	if !json.Valid([]byte(text)) {
		return nil, errors.New("no JSON")
	}
	if loneSurrogate(text) {
		return nil, errors.New("lone surrogate")
	}
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	v, err := slowValue(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("trailing text")
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("no object")
	}
	return o, nil
}

func slowValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if n, ok := token.(json.Number); ok && longExponent.MatchString(n.String()) {
		return nil, errors.New("long exponent")
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth++; depth > MaxDepth {
		return nil, errors.New("too deep")
	}
	var out any
	if delim == '{' {
		out, err = slowMembers(d, depth)
	} else {
		items := []any{}
		for d.More() {
			item, err := slowValue(d, depth)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		out = items
	}
	if err != nil {
		return nil, err
	}
	_, err = d.Token() // the closing bracket
	return out, err
}

func slowMembers(d *json.Decoder, depth int) (map[string]any, error) {
	members := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, fmt.Errorf("name is %T", token)
		}
		if _, again := members[name]; again {
			return nil, errors.New("repeated member")
		}
		if members[name], err = slowValue(d, depth); err != nil {
			return nil, err
		}
	}
	return members, nil
}

var longExponent = regexp.MustCompile(`[eE][+-]?[0-9]{4}`)

var escapes = regexp.MustCompile(`(?s)\\(u[0-9a-fA-F]{4}|.)`)

// loneSurrogate looks at all escapes of valid JSON in order.
func loneSurrogate(text string) bool {
	highEnd := -1 // where a high surrogate ended
	for _, m := range escapes.FindAllStringIndex(text, -1) {
		esc := text[m[0]:m[1]]
		var r uint64
		if len(esc) == 6 {
			r, _ = strconv.ParseUint(esc[2:], 16, 32)
		}
		low := r >= 0xdc00 && r < 0xe000
		paired := low && highEnd == m[0]
		if (low || highEnd >= 0) && !paired {
			return true
		}
		highEnd = -1
		if r >= 0xd800 && r < 0xdc00 {
			highEnd = m[1]
		}
	}
	return highEnd >= 0
}

// plain turns a Value into what encoding/json would make of it.
func plain(v Value) any {
	switch v.Kind() {
	case Null:
		return nil
	case Bool:
		return v.IsTrue()
	case Number:
		return json.Number(v.Text())
	case String:
		return v.Text()
	case Array:
		items := []any{}
		for item := range v.Items() {
			items = append(items, plain(item))
		}
		return items
	case ObjectKind:
		members := map[string]any{}
		for name, item := range v.Members() {
			members[name] = plain(item)
		}
		return members
	case Absent:
	}
	return errors.New("absent")
}

func plainObject(o Object) map[string]any {
	members := map[string]any{}
	for name, v := range o.All() {
		members[name] = plain(v)
	}
	return members
}
