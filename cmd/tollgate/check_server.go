package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// askServer lets a running service decide, which has the store and what it knows.
func (f *checkFlags) askServer(ctx context.Context, t *terminal, asked *question, at time.Time) error {
	flags := &apiFlags{server: f.server, output: f.output}
	return flags.asks(ctx, t, func(a *api) error {
		request := &adminv1.ExplainRequest{
			Method: asked.line.Method, Url: asked.line.Scheme + "://" + asked.line.Host + asked.line.Target,
		}
		for _, h := range asked.headers {
			request.Headers = append(request.Headers, &adminv1.HeaderLine{Name: h.Name, Value: h.Value})
		}
		if !at.IsZero() {
			request.At = timestamppb.New(at)
		}
		answer := &adminv1.ExplainResponse{}
		if err := a.call(ctx, "POST", "/v1/explain", request, answer); err != nil {
			return &exit{code: exitUsage, cause: err}
		}
		if !f.explain {
			answer.Steps = nil
		}
		if err := flags.say(t, explainedText(answer), answer); err != nil {
			return err
		}
		if answer.GetOutcome() == authz.Deny.String() {
			return &exit{code: exitFail}
		}
		return nil
	})
}

// explainedText is the answer of a service for people, as show gives our own.
func explainedText(answer *adminv1.ExplainResponse) string {
	var text strings.Builder
	text.WriteString(answer.GetOutcome())
	if answer.GetOutcome() == authz.Deny.String() {
		fmt.Fprintf(&text, " %d", answer.GetStatus())
	}
	if answer.GetReason() != "" {
		text.WriteString(" " + answer.GetReason())
	}
	text.WriteString("\n")
	for _, row := range authz.Rows() {
		if string(row.Reason) == answer.GetReason() && row.Hint != "" {
			fmt.Fprintf(&text, "  %s\n", row.Hint)
		}
	}
	for _, name := range answer.GetRemoved() {
		fmt.Fprintf(&text, "  remove  %s\n", name)
	}
	for _, h := range answer.GetSet() {
		fmt.Fprintf(&text, "  set     %s: %s\n", h.GetName(), h.GetValue())
	}
	for _, step := range answer.GetSteps() {
		mark := "ok  "
		if !step.GetOk() {
			mark = "no  " + step.GetReason()
		}
		fmt.Fprintf(&text, "  step    %-10s %s\n", step.GetStep(), mark)
		for _, fact := range step.GetFacts() {
			fmt.Fprintf(&text, "            %s: %s\n", fact.GetName(), fact.GetValue())
		}
	}
	return text.String()
}
