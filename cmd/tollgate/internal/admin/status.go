package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// Config is the configuration of the process, as it can be shown and reloaded.
type Config interface {
	// State gives what is in force, what was tried last, and what needs a restart.
	State() (applied, attempted ConfigState, needsRestart []string)
	// Reload loads the configuration again and says whether it was applied.
	Reload(ctx context.Context) bool
	// Store says "ok", "none", or what is wrong with the store.
	Store(ctx context.Context) string
}

// ConfigState is one loading of the configuration.
type ConfigState struct {
	Hash     string
	Time     time.Time
	Problems []string
}

func (c ConfigState) message() *adminv1.ConfigState {
	return &adminv1.ConfigState{Hash: c.Hash, Time: timeOf(c.Time), Problems: c.Problems}
}

// statusService is StatusService.
type statusService struct {
	adminv1.UnimplementedStatusServiceServer
	*Server
}

// GetStatus implements StatusService.
func (s statusService) GetStatus(ctx context.Context, _ *adminv1.GetStatusRequest) (*adminv1.GetStatusResponse, error) {
	out := &adminv1.GetStatusResponse{
		Version: s.parts.Version, Replica: s.parts.Replica, Started: timestamppb.New(s.parts.Started),
	}
	if snap := s.parts.Engine.Snapshot(); snap != nil {
		out.Generation = snap.Generation()
	}
	if s.parts.Config != nil {
		applied, attempted, restart := s.parts.Config.State()
		out.Applied, out.Attempted, out.NeedsRestart = applied.message(), attempted.message(), restart
		out.Store = s.parts.Config.Store(ctx)
	}
	return out, nil
}

// Reload implements StatusService.
func (s statusService) Reload(ctx context.Context, _ *adminv1.ReloadRequest) (*adminv1.ReloadResponse, error) {
	if s.parts.Config == nil {
		return nil, status.Error(codes.Unimplemented, "this process has no configuration file")
	}
	applied := s.parts.Config.Reload(ctx)
	_, attempted, _ := s.parts.Config.State()
	return &adminv1.ReloadResponse{Applied: applied, Attempted: attempted.message()}, nil
}

// snapshot is the running configuration.
func (s *Server) snapshot() (*authz.Snapshot, error) {
	if snap := s.parts.Engine.Snapshot(); snap != nil {
		return snap, nil
	}
	return nil, status.Error(codes.Unavailable, "no configuration is loaded yet")
}

// ListAPIs implements StatusService.
func (s statusService) ListAPIs(context.Context, *adminv1.ListAPIsRequest) (*adminv1.ListAPIsResponse, error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListAPIsResponse{}
	for _, a := range snap.APIs() {
		shown := &adminv1.API{Id: a.ID, Name: a.Name, Org: a.Org, Active: !a.Inactive, Mode: "enforce"}
		if a.Observe {
			shown.Mode = "observe"
		}
		for _, m := range a.Match {
			shown.Match = append(shown.Match, m.Host+m.Path)
		}
		out.Apis = append(out.Apis, shown)
	}
	slices.SortFunc(out.Apis, func(a, b *adminv1.API) int { return strings.Compare(a.GetId(), b.GetId()) })
	return out, nil
}

// ListPolicies implements StatusService.
func (s statusService) ListPolicies(context.Context, *adminv1.ListPoliciesRequest) (*adminv1.ListPoliciesResponse, error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListPoliciesResponse{}
	for _, p := range snap.Policies() {
		out.Policies = append(out.Policies, policyOf(&p))
	}
	slices.SortFunc(out.Policies, func(a, b *adminv1.Policy) int { return strings.Compare(a.GetId(), b.GetId()) })
	return out, nil
}

func policyOf(p *policies.Spec) *adminv1.Policy {
	shown := &adminv1.Policy{Id: p.ID, Org: p.Org, Active: !p.Inactive, Tags: p.Tags}
	for _, a := range p.Access {
		if a.All || len(a.Allow) > 0 {
			shown.Apis = append(shown.Apis, a.API)
		}
	}
	slices.Sort(shown.Apis)
	if p.Rate != nil {
		shown.Rate = &adminv1.Rate{Requests: p.Rate.Requests, Per: durationpb.New(p.Rate.Per)}
	}
	if p.Quota != nil {
		shown.Quota = &adminv1.Quota{Requests: p.Quota.Requests, Per: durationpb.New(p.Quota.Per)}
	}
	return shown
}

// ListKeySets implements StatusService.
func (s statusService) ListKeySets(context.Context, *adminv1.ListKeySetsRequest) (*adminv1.ListKeySetsResponse, error) {
	snap, err := s.snapshot()
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListKeySetsResponse{}
	shown := map[[2]string]*adminv1.KeySet{}
	for _, k := range snap.KeySets() {
		id := [2]string{k.Source, k.Issuer}
		if known := shown[id]; known != nil {
			known.Apis = append(known.Apis, k.API)
			continue
		}
		set := &adminv1.KeySet{
			Url: k.Source, Issuer: k.Issuer, Apis: []string{k.API},
			LastSuccess: timeOf(k.LastSuccess), LastAttempt: timeOf(k.LastFetch), NextRefresh: timeOf(k.NextRefresh), LastError: k.LastError,
		}
		for _, key := range k.Keys {
			set.Keys = append(set.Keys, &adminv1.PublishedKey{Kid: key.ID, Kty: key.Type, Alg: key.Alg, Unusable: key.Why})
		}
		shown[id] = set
		out.KeySets = append(out.KeySets, set)
	}
	slices.SortFunc(out.KeySets, func(a, b *adminv1.KeySet) int { return strings.Compare(a.GetUrl(), b.GetUrl()) })
	return out, nil
}
