package tyk

import (
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// Finding is one thing that could not be kept, is wrong, or is worth knowing:
// where, in the file's own spelling, and why.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Field   string `json:"field"` // Tyk's name of the field, as a path
	ID      string `json:"id"`    // of the message; fields.yaml names it
	Reason  string `json:"reason"`
	Instead string `json:"instead,omitempty"`
	Error   bool   `json:"error"` // the file cannot be loaded like this
}

// String is the finding as one line for people.
func (f Finding) String() string { return f.problem().String() }

// problem is the finding as a configuration problem.
func (f Finding) problem() config.Problem {
	return config.Problem{
		File: f.File, Line: f.Line, Column: f.Column, What: f.Field + ": " + f.Reason, Instead: f.Instead, Warning: !f.Error,
	}
}

// file is one file and what was found in it.
type file struct {
	name  string
	found *[]Finding
}

func (v value) find(id, reason, instead string, isError bool) {
	f := Finding{File: v.file.name, Line: 1, Column: 1, Field: v.path, ID: id, Reason: reason, Instead: instead, Error: isError}
	if v.node != nil {
		f.Line, f.Column = v.node.Line, v.node.Column
	}
	if f.Field == "" {
		f.Field = "the file"
	}
	*v.file.found = append(*v.file.found, f)
}

// mistyped tells of a value of another type.
func (v value) mistyped(wanted string) { v.find("mistyped", "it is not "+wanted, wanted, true) }

// wrong tells of a value that cannot be used.
func (v value) wrong(reason, instead string) { v.find("wrong", reason, instead, true) }

// note tells of what is not kept, or kept differently. A message has an id, so
// that the list of fields can name it.
func (v value) note(id, reason, instead string) { v.find(id, reason, instead, false) }
