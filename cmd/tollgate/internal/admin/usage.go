package admin

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tollgate-authz/tollgate/authz/credential"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// Usage reads and changes the counters of sessions.
type Usage interface {
	// Read gives the limits of a session and what is left; store.ErrNotFound when
	// nothing was counted for it.
	Read(ctx context.Context, session string) ([]Limit, error)
	// Reset begins the counters of a session anew.
	Reset(ctx context.Context, session string) error
	// TopUp grants requests on top of the running quota periods.
	TopUp(ctx context.Context, session string, requests int64) error
}

// Limit is the state of one limit of a session.
type Limit struct {
	Kind      string // rate or quota
	Source    string
	API       string
	Limit     int64
	Remaining int64
	Reset     time.Time
}

// usageService is UsageService.
type usageService struct {
	adminv1.UnimplementedUsageServiceServer
	*Server
}

// counters are the counters, and the session that an id means.
func (s usageService) counters(ctx context.Context, id string) (Usage, string, error) {
	if s.parts.Usage == nil {
		return nil, "", status.Error(codes.Unimplemented, "no policy and no API has limits, so nothing is counted")
	}
	if id == "" || len(id) > credential.MaxID {
		return nil, "", status.Error(codes.InvalidArgument, "a session id (x-tollgate-session) or the id of a key is needed")
	}
	if isSession(id) || s.parts.Credentials == nil {
		return s.parts.Usage, id, nil
	}
	_, session, err := find(ctx, s.parts.Credentials, "", id)
	if err != nil {
		return nil, "", statusOf(err)
	}
	return s.parts.Usage, session, nil
}

func (s usageService) read(ctx context.Context, counters Usage, session string) ([]*adminv1.Usage, error) {
	limits, err := counters.Read(ctx, session)
	if err != nil {
		return nil, statusOf(err)
	}
	out := make([]*adminv1.Usage, 0, len(limits))
	for _, l := range limits {
		out = append(out, &adminv1.Usage{
			Kind: l.Kind, Source: l.Source, Api: l.API, Limit: l.Limit, Remaining: l.Remaining, Reset_: timeOf(l.Reset),
		})
	}
	return out, nil
}

// GetUsage implements UsageService.
func (s usageService) GetUsage(ctx context.Context, req *adminv1.GetUsageRequest) (*adminv1.GetUsageResponse, error) {
	counters, session, err := s.counters(ctx, req.GetSession())
	if err != nil {
		return nil, err
	}
	usage, err := s.read(ctx, counters, session)
	if err != nil {
		return nil, err
	}
	return &adminv1.GetUsageResponse{Session: session, Usage: usage}, nil
}

// ResetUsage implements UsageService.
func (s usageService) ResetUsage(ctx context.Context, req *adminv1.ResetUsageRequest) (*adminv1.ResetUsageResponse, error) {
	counters, session, err := s.counters(ctx, req.GetSession())
	if err != nil {
		return nil, err
	}
	if err := counters.Reset(ctx, session); err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.ResetUsageResponse{Session: session}, nil
}

// TopUpUsage implements UsageService.
func (s usageService) TopUpUsage(ctx context.Context, req *adminv1.TopUpUsageRequest) (*adminv1.TopUpUsageResponse, error) {
	counters, session, err := s.counters(ctx, req.GetSession())
	if err != nil {
		return nil, err
	}
	if req.GetRequests() < 1 {
		return nil, status.Error(codes.InvalidArgument, "requests is at least 1")
	}
	if err := counters.TopUp(ctx, session, req.GetRequests()); err != nil {
		return nil, statusOf(err)
	}
	usage, err := s.read(ctx, counters, session)
	if err != nil {
		return nil, err
	}
	return &adminv1.TopUpUsageResponse{Session: session, Usage: usage}, nil
}
