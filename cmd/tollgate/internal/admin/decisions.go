package admin

import (
	"context"
	"maps"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// decisionService is DecisionService.
type decisionService struct {
	adminv1.UnimplementedDecisionServiceServer
	*Server
}

// Explain implements DecisionService. The request lives as long as the call.
func (s decisionService) Explain(ctx context.Context, req *adminv1.ExplainRequest) (*adminv1.ExplainResponse, error) {
	asked, err := described(req)
	if err != nil {
		return nil, err
	}
	var at time.Time
	if t := req.GetAt(); t != nil {
		if err := t.CheckValid(); err != nil {
			return nil, status.Error(codes.InvalidArgument, "at is no valid time")
		}
		at = t.AsTime()
	}
	answer, trace := s.parts.Engine.Explain(ctx, asked, at)
	out := &adminv1.ExplainResponse{
		Outcome: answer.Outcome.String(), Reason: string(answer.Reason), Status: int32(answer.Status), //nolint:gosec // an HTTP status
	}
	for _, step := range trace.Steps() {
		shown := &adminv1.Step{Step: step.Name, Ok: step.OK, Reason: string(step.Reason)}
		for _, fact := range step.Facts {
			shown.Facts = append(shown.Facts, &adminv1.Fact{Name: fact.Name, Value: fact.Value})
		}
		out.Steps = append(out.Steps, shown)
	}
	header := s.tokenHeader(answer.Metadata.API)
	for _, edit := range answer.Edits {
		if edit.Remove {
			out.Removed = append(out.Removed, edit.Name)
			continue
		}
		out.Set = append(out.Set, &adminv1.HeaderLine{Name: edit.Name, Value: harmless(edit, header)})
	}
	for _, h := range answer.Headers {
		out.Headers = append(out.Headers, &adminv1.HeaderLine{Name: h.Name, Value: h.Value})
	}
	out.Body, out.Metadata = answer.Body, metadataOf(&answer.Metadata)
	return out, nil
}

// metadataOf is what the front would get, without the id of a decision that nobody
// made.
func metadataOf(m *authz.Metadata) map[string]string {
	all := map[string]string{
		"outcome": m.Outcome, "reason": m.Reason, "api": m.API, "subject": m.Subject, "session": m.Session,
		"policies": m.Policies, "limit": m.Limit, "remaining": m.Remaining, "degraded": m.Degraded, "config": m.Config,
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" })
	return all
}

// tokenHeader is the header that an API takes its token from, and sends the whole
// one of a half in.
func (s *Server) tokenHeader(api string) string {
	if snap := s.parts.Engine.Snapshot(); snap != nil {
		for _, a := range snap.APIs() {
			if a.ID == api {
				return a.Header
			}
		}
	}
	return ""
}

// harmless hides edits that hold a credential or a query.
func harmless(e authz.Edit, tokenHeader string) string {
	switch {
	case e.Name == ":path":
		path, _, _ := strings.Cut(e.Value, "?")
		return path
	case e.Name == "cookie", e.Name == "authorization", e.Name == tokenHeader:
		return "[redacted]"
	}
	return e.Value
}

// described is the request that the caller describes.
func described(req *adminv1.ExplainRequest) (*authz.Plain, error) {
	method := req.GetMethod()
	if method == "" {
		method = "GET"
	}
	asked, err := authz.ParsePlain(method, req.GetUrl())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "url: %s", err)
	}
	for _, h := range req.GetHeaders() {
		asked.Add(h.GetName(), h.GetValue())
	}
	if token := req.GetToken(); token != "" {
		asked.Add("authorization", "Bearer "+token)
	}
	asked.Request.API, asked.Request.HasAPI = req.GetContextExtensions()["api_id"], false
	if _, ok := req.GetContextExtensions()["api_id"]; ok {
		asked.Request.HasAPI = true
	}
	asked.Request.RequireScopes = req.GetContextExtensions()["require_scopes"]
	asked.Request.SourceAddress, asked.Request.Principal = req.GetSourceAddress(), req.GetPrincipal()
	return asked, nil
}

// GetDecision implements DecisionService.
func (s decisionService) GetDecision(_ context.Context, req *adminv1.GetDecisionRequest) (*adminv1.GetDecisionResponse, error) {
	if s.parts.Decisions != nil {
		if seen, ok := s.parts.Decisions.Find(req.GetId()); ok {
			return &adminv1.GetDecisionResponse{Decision: decisionOf(&seen)}, nil
		}
	}
	return nil, status.Errorf(codes.NotFound,
		"this replica (%s) does not remember that decision: an id names the replica that made it, which keeps the latest %d", s.parts.Replica, RingSize)
}

// WatchDecisions implements DecisionService.
func (s decisionService) WatchDecisions(req *adminv1.WatchDecisionsRequest, stream grpc.ServerStreamingServer[adminv1.WatchDecisionsResponse]) error {
	if s.parts.Decisions == nil {
		return status.Error(codes.Unimplemented, "decisions are not remembered")
	}
	ok, err := s.parts.Decisions.watch(stream.Context(), func(seen Seen, dropped uint64) error {
		if (req.GetOutcome() != "" && req.GetOutcome() != seen.Outcome.String()) || (req.GetApi() != "" && req.GetApi() != seen.API) {
			return nil
		}
		return stream.Send(&adminv1.WatchDecisionsResponse{Decision: decisionOf(&seen), Dropped: dropped})
	})
	if !ok {
		return status.Errorf(codes.ResourceExhausted, "at most %d streams at once", watchers)
	}
	return err
}

func decisionOf(s *Seen) *adminv1.Decision {
	return &adminv1.Decision{
		Id: s.ID, Time: timestamppb.New(s.Time), Outcome: s.Outcome.String(), Reason: string(s.Reason), Api: s.API,
		Subject: s.Subject, Session: s.Session, Policies: s.Policies, Method: s.Method, Path: s.Path,
		Degraded: s.Degraded, Generation: s.Generation, Took: durationpb.New(s.Took),
	}
}
