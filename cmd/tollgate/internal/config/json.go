package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fromJSON turns JSON into what the YAML parser takes for the same: surrogate
// pairs, which YAML does not know, become one escape, and an escaped slash, which
// the parser does not know, becomes a slash. Anything else stays as it is.
func fromJSON(data []byte) []byte {
	if !bytes.Contains(data, []byte{'\\'}) || !json.Valid(data) {
		return data
	}
	escape := regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\.`)
	return escape.ReplaceAllFunc(data, func(m []byte) []byte {
		switch {
		case string(m) == `\/`:
			return []byte("/")
		case len(m) == len(`\n`):
			return m
		}
		high, _ := strconv.ParseUint(string(m[2:6]), 16, 32)
		low, _ := strconv.ParseUint(string(m[8:12]), 16, 32)
		joined := 0x10000 + (high-0xd800)<<10 + (low - 0xdc00)
		return []byte(`\U` + strings.ToUpper(strconv.FormatUint(joined+1<<32, 16)[1:]))
	})
}

// syntaxJSON places the mistake of a file that is meant to be JSON.
func (d *document) syntaxJSON() (Problem, bool) {
	if filepath.Ext(d.name) != ".json" {
		return Problem{}, false
	}
	var v any
	syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.data, &v))
	if !ok {
		return Problem{}, false
	}
	before := d.data[:max(0, min(int64(len(d.data)), syntax.Offset)-1)]
	line := 1 + bytes.Count(before, []byte{'\n'})
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return d.at(line, column, "this is no JSON ("+syntax.Error()+")", "check commas, quotes and brackets around here"), true
}
