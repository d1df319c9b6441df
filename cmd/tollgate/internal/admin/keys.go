package admin

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/policies"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
	"github.com/tollgate-authz/tollgate/store"
)

// keyService is KeyService over the credential registry.
type keyService struct {
	adminv1.UnimplementedKeyServiceServer
	*Server
}

// registry is the store of keys, or why there is none.
func (s *Server) registry() (*credential.Registry, error) {
	if s.parts.Credentials == nil {
		return nil, status.Error(codes.Unimplemented, "no API has keys: [{credentials: true}], so no keys are kept")
	}
	return s.parts.Credentials, nil
}

// CreateKey implements KeyService.
func (s keyService) CreateKey(ctx context.Context, req *adminv1.CreateKeyRequest) (*adminv1.CreateKeyResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	c, err := credentialOf(req.GetKey())
	if err != nil {
		return nil, err
	}
	if c.ID == "" {
		c.ID = credential.Random()
	}
	secret, made, err := secretFrom(req.GetSecret())
	if err != nil {
		return nil, err
	}
	c.Secrets = []credential.Secret{secret}
	if err := s.known(c); err != nil {
		return nil, err
	}
	stored, err := registry.Create(ctx, *c)
	if err != nil {
		return nil, statusOf(err)
	}
	setEtag(ctx, stored.Etag)
	return &adminv1.CreateKeyResponse{Key: keyOf(stored), Secret: made, Warnings: stored.Warnings()}, nil
}

// BatchCreateKeys implements KeyService.
func (s keyService) BatchCreateKeys(ctx context.Context, req *adminv1.BatchCreateKeysRequest) (*adminv1.BatchCreateKeysResponse, error) {
	const most = 1000
	if n := len(req.GetRequests()); n > most {
		return nil, status.Errorf(codes.InvalidArgument, "at most %d keys at once, not %d", most, n)
	}
	out := &adminv1.BatchCreateKeysResponse{}
	for _, r := range req.GetRequests() {
		created, err := s.CreateKey(ctx, r)
		result := &adminv1.BatchResult{Created: created}
		if err != nil {
			result.Error = status.Convert(err).Message()
		}
		out.Results = append(out.Results, result)
	}
	return out, nil
}

// GetKey implements KeyService.
func (s keyService) GetKey(ctx context.Context, req *adminv1.GetKeyRequest) (*adminv1.GetKeyResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	stored, _, err := find(ctx, registry, req.GetOrg(), req.GetId())
	if err != nil {
		return nil, statusOf(err)
	}
	setEtag(ctx, stored.Etag)
	return &adminv1.GetKeyResponse{Key: keyOf(stored)}, nil
}

// ListKeys implements KeyService.
func (s keyService) ListKeys(ctx context.Context, req *adminv1.ListKeysRequest) (*adminv1.ListKeysResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	size, skip, cursor, err := pageOf(req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	out := &adminv1.ListKeysResponse{}
	for len(out.Keys) < size {
		page, err := registry.List(ctx, cursor)
		if err != nil {
			return nil, statusOf(err)
		}
		for i, stored := range page.Keys {
			if i < skip {
				continue
			}
			if len(out.Keys) == size {
				out.NextPageToken = strconv.Itoa(i) + "," + cursor
				return out, nil
			}
			out.Keys = append(out.Keys, keyOf(stored))
		}
		cursor, skip = page.Next, 0
		if cursor == "" {
			return out, nil
		}
	}
	out.NextPageToken = "0," + cursor
	return out, nil
}

// pageOf reads the place of a page: how many of the store's page at a cursor
// have been shown.
func pageOf(size int32, token string) (n, skip int, cursor string, err error) {
	n = int(size)
	if n == 0 {
		n = 100
	}
	if n < 1 || n > 1000 {
		return 0, 0, "", status.Error(codes.InvalidArgument, "page_size is 1 to 1000")
	}
	if token == "" {
		return n, 0, "", nil
	}
	head, cursor, ok := strings.Cut(token, ",")
	skip, convErr := strconv.Atoi(head)
	if !ok || convErr != nil || skip < 0 {
		return 0, 0, "", status.Error(codes.InvalidArgument, "page_token is not one that a list gave")
	}
	return n, skip, cursor, nil
}

// UpdateKey implements KeyService.
func (s keyService) UpdateKey(ctx context.Context, req *adminv1.UpdateKeyRequest) (*adminv1.UpdateKeyResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	fresh, err := credentialOf(req.GetKey())
	if err != nil {
		return nil, err
	}
	var secrets []credential.Secret
	if req.GetSecret().GetMaterial() != nil {
		secret, _, err := secretFrom(req.GetSecret())
		if err != nil {
			return nil, err
		}
		secrets = []credential.Secret{secret}
	}
	if err := s.known(fresh); err != nil {
		return nil, err
	}
	session := credential.Session(fresh.Org, fresh.ID)
	var lost []string
	stored, err := registry.Update(ctx, session, tagOf(ctx, req.GetKey().GetEtag()), func(c *credential.Credential) error {
		old := *c
		*c = *fresh
		if c.Secrets = secrets; secrets == nil {
			c.Secrets = old.Secrets
		}
		lost = keepTyk(c, &old)
		return nil
	})
	if err != nil {
		return nil, statusOf(err)
	}
	setEtag(ctx, stored.Etag)
	return &adminv1.UpdateKeyResponse{Key: keyOf(stored), Warnings: append(stored.Warnings(), lost...)}, nil
}

// RotateKey implements KeyService.
func (s keyService) RotateKey(ctx context.Context, req *adminv1.RotateKeyRequest) (*adminv1.RotateKeyResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	overlap := req.GetOverlap().AsDuration()
	if overlap < 0 {
		return nil, status.Error(codes.InvalidArgument, "overlap is a time to come")
	}
	secret, made, err := secretFrom(req.GetSecret())
	if err != nil {
		return nil, err
	}
	_, session, err := find(ctx, registry, req.GetOrg(), req.GetId())
	if err != nil {
		return nil, statusOf(err)
	}
	stored, err := registry.Rotate(ctx, session, tagOf(ctx, req.GetEtag()), secret, overlap)
	if err != nil {
		return nil, statusOf(err)
	}
	setEtag(ctx, stored.Etag)
	return &adminv1.RotateKeyResponse{Key: keyOf(stored), Secret: made, Warnings: stored.Warnings()}, nil
}

// DeleteKey implements KeyService.
func (s keyService) DeleteKey(ctx context.Context, req *adminv1.DeleteKeyRequest) (*adminv1.DeleteKeyResponse, error) {
	registry, err := s.registry()
	if err != nil {
		return nil, err
	}
	_, session, err := find(ctx, registry, req.GetOrg(), req.GetId())
	if err != nil {
		return nil, statusOf(err)
	}
	if err := registry.Delete(ctx, session, tagOf(ctx, req.GetEtag())); err != nil {
		return nil, statusOf(err)
	}
	return &adminv1.DeleteKeyResponse{}, nil
}

// find reads the key that an id shown anywhere names: its own id, or the id of
// its session (contract section 6).
func find(ctx context.Context, r *credential.Registry, org, id string) (credential.Stored, string, error) {
	session := credential.Session(org, id)
	stored, err := r.GetSession(ctx, session)
	if errors.Is(err, credential.ErrUnknown) && isSession(id) {
		session = id
		stored, err = r.GetSession(ctx, session)
	}
	return stored, session, err
}

// isSession says whether a text has the form of a session id.
func isSession(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// known says whether the policies and APIs that a key names are there.
func (s *Server) known(c *credential.Credential) error {
	snap := s.parts.Engine.Snapshot()
	if snap == nil {
		return status.Error(codes.Unavailable, "no configuration is loaded yet")
	}
	for _, id := range c.Policies {
		if !snap.HasPolicy(c.Org, id) {
			return status.Errorf(codes.InvalidArgument, "no policy %q: list them with GET /v1/policies", id)
		}
	}
	found := snap.CheckOwn(&policies.Spec{ID: "key", Access: c.Access, Rate: c.Rate, Quota: c.Quota})
	if c.Tyk != nil {
		found = append(found, snap.CheckOwn(&policies.Spec{ID: "key", Tyk: c.Tyk})...)
	}
	for _, p := range found {
		if !p.Warning {
			return status.Errorf(codes.InvalidArgument, "%s: %s: %s", strings.TrimPrefix(p.At, "/"), p.What, p.Instead)
		}
	}
	return nil
}

// tagOf is the expected version: of the message, or of If-Match.
func tagOf(ctx context.Context, tag string) string {
	if tag != "" {
		return tag
	}
	match := strings.Trim(strings.TrimPrefix(one(ctx, metaMatch), "W/"), `"`)
	if match == "*" {
		return ""
	}
	return match
}

func setEtag(ctx context.Context, tag string) {
	grpc.SetHeader(ctx, metadata.Pairs("etag", `"`+tag+`"`)) //nolint:errcheck // fails only after the answer
}

// statusOf gives an error of the registry its code.
func statusOf(err error) error {
	code := codes.Internal
	switch {
	case errors.Is(err, credential.ErrInvalid):
		code = codes.InvalidArgument
	case errors.Is(err, credential.ErrExists):
		code = codes.AlreadyExists
	case errors.Is(err, credential.ErrUnknown), errors.Is(err, store.ErrNotFound):
		code = codes.NotFound
	case errors.Is(err, credential.ErrChanged):
		code = codes.Aborted
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		code = codes.Unavailable
	}
	return status.Error(code, err.Error())
}
