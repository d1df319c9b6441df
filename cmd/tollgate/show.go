package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// shownAnswer is an answer for machines.
type shownAnswer struct {
	Outcome  string       `json:"outcome"`
	Reason   authz.Reason `json:"reason,omitempty"`
	Decision string       `json:"decision"`
	Status   int          `json:"status,omitempty"`
	API      string       `json:"api,omitempty"`
	Subject  string       `json:"subject,omitempty"`
	Session  string       `json:"session,omitempty"`
	Policies string       `json:"policies,omitempty"`
	Edits    []shownEdit  `json:"edits,omitempty"`
	Headers  []shownLine  `json:"headers,omitempty"`
	Body     string       `json:"body,omitempty"`
	Steps    []authz.Step `json:"steps,omitempty"`
}

type shownEdit struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Remove bool   `json:"remove,omitempty"`
}

type shownLine struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// show prints an answer, and the steps where there is a trace.
func show(w io.Writer, asJSON bool, answer *authz.Answer, trace *authz.Trace) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(shown(answer, trace))
	}
	var text strings.Builder
	headline(&text, answer)
	for _, edit := range answer.Edits {
		switch {
		case edit.Remove:
			fmt.Fprintf(&text, "  remove  %s\n", edit.Name)
		default:
			fmt.Fprintf(&text, "  set     %s: %s\n", edit.Name, edit.Value)
		}
	}
	if answer.Outcome == authz.Deny {
		for _, header := range answer.Headers {
			fmt.Fprintf(&text, "  answer  %s: %s\n", header.Name, header.Value)
		}
	}
	for _, step := range trace.Steps() {
		mark := "ok  "
		if !step.OK {
			mark = "no  " + string(step.Reason)
		}
		fmt.Fprintf(&text, "  step    %-10s %s\n", step.Name, mark)
		for _, fact := range step.Facts {
			fmt.Fprintf(&text, "            %s: %s\n", fact.Name, fact.Value)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// headline is the answer in one line, and what to do about a denial in a second.
func headline(text *strings.Builder, answer *authz.Answer) {
	fmt.Fprint(text, answer.Outcome)
	if answer.Reason == "" {
		fmt.Fprintf(text, ": %s as %q\n", orNone(answer.Metadata.API), answer.Metadata.Subject)
		return
	}
	if answer.Outcome == authz.Deny {
		fmt.Fprintf(text, " %d", answer.Status)
	}
	fmt.Fprintf(text, " %s\n", answer.Reason)
	for _, row := range authz.Rows() {
		if row.Reason == answer.Reason && row.Hint != "" {
			fmt.Fprintf(text, "  %s\n", row.Hint)
		}
	}
}

func orNone(api string) string {
	if api == "" {
		return "no API"
	}
	return "API " + api
}

func shown(answer *authz.Answer, trace *authz.Trace) *shownAnswer {
	out := &shownAnswer{
		Outcome: answer.Outcome.String(), Reason: answer.Reason, Decision: answer.ID, Body: answer.Body,
		API: answer.Metadata.API, Subject: answer.Metadata.Subject, Session: answer.Metadata.Session, Policies: answer.Metadata.Policies,
		Steps: trace.Steps(),
	}
	if answer.Outcome == authz.Deny {
		out.Status = answer.Status
	}
	for _, edit := range answer.Edits {
		out.Edits = append(out.Edits, shownEdit{Name: edit.Name, Value: edit.Value, Remove: edit.Remove})
	}
	for _, header := range answer.Headers {
		out.Headers = append(out.Headers, shownLine{Name: header.Name, Value: header.Value})
	}
	return out
}
