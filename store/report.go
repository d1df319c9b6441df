package store

import "context"

// Severity says how bad a finding is.
type Severity string

// Severities of findings.
const (
	Fact    Severity = "fact"    // worth knowing
	Warning Severity = "warning" // data can be lost, or slow
	Problem Severity = "problem" // it does not work like this
)

// Finding is one thing that `tollgate store check` says.
type Finding struct {
	Severity Severity `json:"severity"`
	Subject  string   `json:"subject"` // which server or file
	Text     string   `json:"text"`    // what is the case, and what to do about it
}

// Checker is a backend that can say what the store needs and lacks.
type Checker interface {
	Check(ctx context.Context) ([]Finding, error)
}
