package cases

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Run runs the program and gives its exit status. The variables are all that its
// environment has.
type Run func(ctx context.Context, p *Program) int

// Program is what a Run runs.
type Program struct {
	Args      []string
	Variables map[string]string
	Out, Errs io.Writer
}

// Command is the surface of `tollgate check --explain -o json`.
func Command(run Run) Surface { return command{run} }

type command struct{ run Run }

// Name names the surface.
func (command) Name() string { return "check" }

// Open remembers the path.
func (c command) Open(_ context.Context, path string) (Session, error) {
	return checking{run: c.run, path: path}, nil
}

type checking struct {
	run  Run
	path string
}

// printed is what check prints.
type printed struct {
	Outcome, Reason, API, Subject, Session, Policies, Body string

	Status int
	Edits  []struct {
		Name, Value string
		Remove      bool
	}
	Headers []struct{ Name, Value string }
	Steps   []authz.Step
}

// Ask runs check, which knows no context extensions, no source, and no limits
// that others have charged.
func (c checking) Ask(ctx context.Context, q *Question) (*Answer, error) {
	if q.Charged {
		return nil, errUnasked
	}
	args, ok := commandLine(q)
	if !ok {
		return nil, errUnasked
	}
	var said printed
	code, err := c.run.check(ctx, nil, func(text []byte) error { return json.Unmarshal(text, &said) }, append(args, "--config", c.path)...)
	if err != nil {
		return nil, err
	}
	if denied := said.Outcome == "deny"; denied != (code == 1) {
		return nil, fmt.Errorf("check says %s and ends with %d", said.Outcome, code)
	}
	answer := &Answer{
		Decision: said.Outcome, Reason: said.Reason, Status: said.Status, Body: said.Body, Steps: said.Steps, Explained: true,
		Metadata: map[string]string{
			"outcome": said.Outcome, "reason": said.Reason, "api": said.API, "subject": said.Subject,
			"session": said.Session, "policies": said.Policies,
		},
	}
	for _, edit := range said.Edits {
		answer.Edits = append(answer.Edits, authz.Edit{Name: edit.Name, Value: edit.Value, Remove: edit.Remove})
	}
	for _, header := range said.Headers {
		answer.Headers = append(answer.Headers, authz.Header{Name: header.Name, Value: header.Value})
	}
	return answer, nil
}

// commandLine is the question as check takes it; ok is false where it has no way
// to say it.
func commandLine(q *Question) (args []string, ok bool) {
	if len(q.HTTP.Extensions) > 0 || q.HTTP.Principal != "" || q.HTTP.Source != "" || q.HTTP.Target == "" {
		return nil, false
	}
	args = []string{
		"check", "--explain", "-o", "json", "--at", q.Now.Format(time.RFC3339),
		"--method", q.HTTP.Method, "--url", q.HTTP.Scheme + "://" + q.HTTP.Host + q.HTTP.Target,
	}
	for _, field := range q.HTTP.Headers {
		if strings.TrimSpace(field.Value) != field.Value {
			return nil, false // a header line on a command line has no blanks around it
		}
		args = append(args, "-H", field.Name+": "+field.Value)
	}
	return args, true
}

// check runs check and reads what it prints.
func (r Run) check(ctx context.Context, variables map[string]string, read func([]byte) error, args ...string) (code int, err error) {
	var out, errs bytes.Buffer
	code = r(ctx, &Program{Args: args, Variables: variables, Out: &out, Errs: &errs})
	if code > 1 {
		return code, fmt.Errorf("check ends with %d: %s", code, strings.TrimSpace(errs.String()))
	}
	if err := read(out.Bytes()); err != nil {
		return code, fmt.Errorf("what check prints is no JSON: %w", err)
	}
	return code, nil
}

// Close has nothing to end.
func (checking) Close() error { return nil }
