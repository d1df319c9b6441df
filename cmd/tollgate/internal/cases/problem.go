package cases

import (
	"fmt"
	"strings"
)

// Problem is one mistake of a case file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	What    string `json:"what"`
	Instead string `json:"instead,omitempty"`
}

// String is file:line:column: what is wrong: what to write instead.
func (p Problem) String() string {
	var text strings.Builder
	text.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&text, ":%d", p.Line)
		if p.Column > 0 {
			fmt.Fprintf(&text, ":%d", p.Column)
		}
	}
	text.WriteString(": " + p.What)
	if p.Instead != "" {
		text.WriteString(": " + p.Instead)
	}
	return text.String()
}

// Problems is an error that lists mistakes.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}
