package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a configuration, or worth a warning.
type Problem struct {
	File    string // as it was named; for a variable or flag its name
	Line    int    // from 1; 0 where there is no place inside File
	Column  int    // from 1
	At      string // JSON pointer into File
	What    string // what is wrong
	Instead string // what to write instead
	Warning bool   // does not stop the start

	kind  problemKind
	order int  // of the file among those that were read
	retry bool // may go away without a change of any file
}

// problemKind says what could have found a problem.
type problemKind uint8

const (
	meaning problemKind = iota // needs to understand the file
	shape                      // the JSON Schema finds it too
	text                       // lost once the text is parsed
)

// String is file:line:column: what is wrong: what to write instead.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.What)
	if p.Instead != "" {
		b.WriteString(": ")
		b.WriteString(p.Instead)
	}
	return b.String()
}

// MarshalJSON is the form of validate -o json.
func (p Problem) MarshalJSON() ([]byte, error) {
	severity := "error"
	if p.Warning {
		severity = "warning"
	}
	return json.Marshal(struct {
		Severity string `json:"severity"`
		File     string `json:"file"`
		Line     int    `json:"line,omitempty"`
		Column   int    `json:"column,omitempty"`
		At       string `json:"at,omitempty"`
		What     string `json:"what"`
		Instead  string `json:"instead,omitempty"`
	}{severity, p.File, p.Line, p.Column, p.At, p.What, p.Instead})
}

// Broken says whether one of the problems is more than a warning.
func Broken(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning })
}

// inOrder sorts problems as a reader meets them and drops repetitions.
func inOrder(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.order, b.order),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.What, b.What),
		)
	})
	return slices.CompactFunc(problems, func(a, b Problem) bool { // an anchor may be used in several places
		a.At = b.At
		return a == b
	})
}
