package config

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is one file as nodes.
type document struct {
	name     string // as the problems call it
	order    int    // among the files of one load
	fragment bool   // named by include
	root     *yaml.Node
	data     []byte
}

// dir is where the relative paths of the document begin.
func (d *document) dir() string { return filepath.Dir(d.name) }

// parse reads d.data. Without a root there is one problem at least.
func (d *document) parse() []Problem {
	if p, ok := d.unreadable(); ok {
		return []Problem{p}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(fromJSON(d.data)))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return []Problem{d.at(1, 1, "the file is empty", "begin with version: 1")}
	case err != nil:
		return d.syntax(err)
	}
	if err := decoder.Decode(&second); err == nil {
		return []Problem{d.at(second.Line, second.Column, "a second document begins", "keep one document in a file, without ---")}
	} else if !errors.Is(err, io.EOF) {
		return d.syntax(err)
	}
	d.root = doc.Content[0]
	return nil
}

// at makes a problem that is lost once the text is parsed.
func (d *document) at(line, column int, what, instead string) Problem {
	return Problem{File: d.name, order: d.order, Line: line, Column: column, What: what, Instead: instead, kind: text}
}

// unreadable finds bytes that no YAML may have.
func (d *document) unreadable() (Problem, bool) {
	line, column := 1, 1
	for i := 0; i < len(d.data); {
		r, size := utf8.DecodeRune(d.data[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return d.at(line, column, "a byte is no UTF-8", "save the file as UTF-8"), true
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f:
			return d.at(line, column, "a control character", "take it out, or write it as \"\\u00"+strconv.FormatInt(int64(r)+0x100, 16)[1:]+"\""), true
		}
		i += size
		if column++; isBreak(r) && (r != '\r' || i == len(d.data) || d.data[i] != '\n') {
			line, column = line+1, 1
		}
	}
	return Problem{}, false
}

// isBreak says whether YAML ends a line at a character.
func isBreak(r rune) bool {
	switch r {
	case '\n', '\r', '\u0085', '\u2028', '\u2029':
		return true
	}
	return false
}

// lines gives the lines of the document as YAML counts them.
func (d *document) lines() []string {
	breaks := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")
	return strings.Split(breaks.Replace(string(d.data)), "\n")
}

// syntax places an error of the YAML parser, which knows at most a line.
func (d *document) syntax(err error) []Problem {
	if p, ok := d.syntaxJSON(); ok {
		return []Problem{p}
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if tabs := d.tabs(); len(tabs) > 0 && (strings.Contains(message, "tab character") || strings.Contains(message, "cannot start any token")) {
		return tabs
	}
	if m := regexp.MustCompile(`^unknown anchor '(.*)' referenced$`).FindStringSubmatch(message); m != nil {
		line, column := d.find("*" + m[1])
		return []Problem{d.at(line, column, "the anchor "+m[1]+" is not known", "write &"+m[1]+" before the value that it stands for")}
	}
	line := 1
	if m := regexp.MustCompile(`^line ([0-9]+): (.*)`).FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
	}
	rows := d.lines()
	line = min(line, len(rows))
	column := 1 + len(rows[line-1]) - len(strings.TrimLeft(rows[line-1], " "))
	return []Problem{d.at(line, column, "this is no YAML ("+message+")", cure(message))}
}

// cure is the advice for the messages of the YAML parser that people meet most.
func cure(message string) string {
	switch {
	case strings.Contains(message, "mapping values are not allowed"):
		return "put text with a colon into quotes, or check the indentation"
	case strings.Contains(message, "could not find expected ':'"):
		return "write key: value"
	case strings.Contains(message, "cannot start any token"):
		return "put text that begins with %, @ or ` into quotes"
	case strings.Contains(message, "unexpected end of stream"), strings.Contains(message, "',' or '"):
		return "close the bracket or quote"
	case strings.Contains(message, "exceeded"):
		return "nest less deeply"
	default:
		return "check indentation and quotes from here on"
	}
}

// tabs finds the lines that are indented with tabs.
func (d *document) tabs() []Problem {
	var out []Problem
	for i, line := range d.lines() {
		rest := strings.TrimLeft(line, " ")
		if strings.HasPrefix(rest, "\t") && strings.TrimSpace(rest) != "" {
			out = append(out, d.at(i+1, 1+len(line)-len(rest), "a tab in the indentation", "write spaces"))
		}
	}
	return out
}

// find gives the position of the first occurrence of a text.
func (d *document) find(text string) (line, column int) {
	for i, row := range d.lines() {
		if before, _, ok := strings.Cut(row, text); ok {
			return i + 1, 1 + utf8.RuneCountInString(before)
		}
	}
	return 1, 1
}
