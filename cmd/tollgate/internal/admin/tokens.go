package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
	"github.com/tollgate-authz/tollgate/store"
)

// Tokens shows and ends tokens.
type Tokens interface {
	// Show says what a token is on an API.
	Show(ctx context.Context, token, api string) (Shown, error)
	// Revoke ends one token and says whether any API (or the one given) knows it.
	Revoke(ctx context.Context, token, api, by string) (bool, error)
	// RevokeSession ends the tokens of a session that were issued until now.
	RevokeSession(ctx context.Context, session, by string) error
	// Rules are the revocations that are in force.
	Rules() Rules
}

// Rules makes, lists and takes back revocations.
type Rules interface {
	Create(ctx context.Context, r Revocation) (Revocation, error)
	// List gives as many as the store has at one place, and the place after it, ""
	// for none.
	List(ctx context.Context, from string) ([]Revocation, string, error)
	Delete(ctx context.Context, id string) error
}

// ErrRevocation is the error of Rules for a rule that cannot be made.
var ErrRevocation = errors.New("no such revocation can be made")

// Revocation is a rule that ends tokens.
type Revocation struct {
	ID, Kind, Value, Issuer, By string
	Before, Until               time.Time
}

// Shown is what a token is.
type Shown struct {
	Active  bool
	Reason  string
	Kind    string // split or jwt
	Claims  string // JSON
	Expires time.Time
	Session string
}

// tokenService is TokenService.
type tokenService struct {
	adminv1.UnimplementedTokenServiceServer
	*Server
}

func (s tokenService) tokens() (Tokens, error) {
	if s.parts.Tokens == nil {
		return nil, status.Error(codes.Unimplemented, "nothing can be kept, so no token can be ended: a shared store needs a key under seal.keys")
	}
	return s.parts.Tokens, nil
}

// ShowToken implements TokenService.
func (s tokenService) ShowToken(ctx context.Context, req *adminv1.ShowTokenRequest) (*adminv1.ShowTokenResponse, error) {
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	t, err := tokens.Show(ctx, req.GetToken(), req.GetApi())
	if err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.ShowTokenResponse{
		Active: t.Active, Reason: t.Reason, Kind: t.Kind, ClaimsJson: t.Claims, Expires: timeOf(t.Expires), Session: t.Session,
	}, nil
}

// RevokeToken implements TokenService.
func (s tokenService) RevokeToken(ctx context.Context, req *adminv1.RevokeTokenRequest) (*adminv1.RevokeTokenResponse, error) {
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	done, err := tokens.Revoke(ctx, req.GetToken(), req.GetApi(), one(ctx, metaCaller))
	if err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.RevokeTokenResponse{Revoked: done}, nil
}

// CreateRevocation implements TokenService.
func (s tokenService) CreateRevocation(ctx context.Context, req *adminv1.CreateRevocationRequest) (*adminv1.CreateRevocationResponse, error) {
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	r := req.GetRevocation()
	rule := Revocation{Kind: r.GetKind(), Value: r.GetValue(), Issuer: r.GetIssuer(), By: one(ctx, metaCaller)}
	if r.GetBefore() != nil {
		rule.Before = r.GetBefore().AsTime()
	}
	if r.GetUntil() != nil {
		rule.Until = r.GetUntil().AsTime()
	}
	made, err := tokens.Rules().Create(ctx, rule)
	if errors.Is(err, ErrRevocation) {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	if err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.CreateRevocationResponse{Revocation: revocationOf(made)}, nil
}

func revocationOf(r Revocation) *adminv1.Revocation {
	return &adminv1.Revocation{
		Id: r.ID, Kind: r.Kind, Value: r.Value, Issuer: r.Issuer, By: r.By, Before: timeOf(r.Before), Until: timeOf(r.Until),
	}
}

// ListRevocations implements TokenService.
func (s tokenService) ListRevocations(ctx context.Context, req *adminv1.ListRevocationsRequest) (*adminv1.ListRevocationsResponse, error) {
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	size, skip, cursor, err := pageOf(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListRevocationsResponse{}
	for len(out.Revocations) < size {
		rules, next, err := tokens.Rules().List(ctx, cursor)
		if errors.Is(err, store.ErrInvalid) {
			return nil, status.Error(codes.InvalidArgument, "page_token is not one that a list gave")
		}
		if err != nil {
			return nil, statusOf(err)
		}
		for i, r := range rules {
			if i < skip {
				continue
			}
			if len(out.Revocations) == size {
				out.NextPageToken = strconv.Itoa(i) + "," + cursor
				return out, nil
			}
			out.Revocations = append(out.Revocations, revocationOf(r))
		}
		cursor, skip = next, 0
		if cursor == "" {
			return out, nil
		}
	}
	out.NextPageToken = "0," + cursor
	return out, nil
}

// DeleteRevocation implements TokenService.
func (s tokenService) DeleteRevocation(ctx context.Context, req *adminv1.DeleteRevocationRequest) (*adminv1.DeleteRevocationResponse, error) {
	tokens, err := s.tokens()
	if err != nil {
		return nil, err
	}
	if err := tokens.Rules().Delete(ctx, req.GetId()); err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.DeleteRevocationResponse{}, nil
}
