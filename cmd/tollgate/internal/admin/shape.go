package admin

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/policies"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// credentialOf is a key of the API as it is kept, without secrets.
func credentialOf(k *adminv1.Key) (*credential.Credential, error) {
	c := &credential.Credential{
		ID: k.GetId(), Org: k.GetOrg(), Alias: k.GetAlias(), Inactive: k.GetInactive(),
		Policies: k.GetPolicies(), Tags: k.GetTags(), Meta: k.GetMeta(),
	}
	if t := k.GetExpires(); t != nil {
		if err := t.CheckValid(); err != nil {
			return nil, status.Error(codes.InvalidArgument, "expires is no valid time")
		}
		c.Expires = t.AsTime()
	}
	for _, a := range k.GetAccess() {
		spec := policies.AccessSpec{API: a.GetApi(), All: a.GetAll()}
		for _, entry := range a.GetAllow() {
			spec.Allow = append(spec.Allow, policies.AllowSpec{Methods: entry.GetMethods(), Path: entry.GetPath()})
		}
		c.Access = append(c.Access, spec)
	}
	if r := k.GetRate(); r != nil {
		c.Rate = &policies.Rate{Requests: r.GetRequests(), Per: r.GetPer().AsDuration()}
	}
	if q := k.GetQuota(); q != nil {
		c.Quota = &policies.Quota{Requests: q.GetRequests(), Per: q.GetPer().AsDuration()}
	}
	return c, nil
}

// keyOf is a kept key as the API shows it.
func keyOf(s credential.Stored) *adminv1.Key {
	k := &adminv1.Key{
		Id: s.ID, Org: s.Org, Alias: s.Alias, Inactive: s.Inactive, Expires: timeOf(s.Expires),
		Policies: s.Policies, Tags: s.Tags, Meta: s.Meta,
		Created: timeOf(s.Created), Updated: timeOf(s.Updated), Etag: s.Etag,
	}
	for _, a := range s.Access {
		access := &adminv1.Access{Api: a.API, All: a.All}
		for _, entry := range a.Allow {
			access.Allow = append(access.Allow, &adminv1.Allow{Methods: entry.Methods, Path: entry.Path})
		}
		k.Access = append(k.Access, access)
	}
	if r := s.Rate; r != nil {
		k.Rate = &adminv1.Rate{Requests: r.Requests, Per: durationpb.New(r.Per)}
	}
	if q := s.Quota; q != nil {
		k.Quota = &adminv1.Quota{Requests: q.Requests, Per: durationpb.New(q.Per)}
	}
	for _, m := range s.Secrets {
		k.Materials = append(k.Materials, &adminv1.Material{Kind: string(m.Kind), Until: timeOf(m.Until)})
	}
	return k
}

func timeOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// secretFrom is the secret that a caller gives, or one that is made now and
// shown once.
func secretFrom(s *adminv1.Secret) (secret credential.Secret, made string, err error) {
	switch m := s.GetMaterial().(type) {
	case nil:
		made = credential.Random()
		return credential.Secret{Kind: credential.HMAC, Material: []byte(made)}, made, nil
	case *adminv1.Secret_Hmac:
		return credential.Secret{Kind: credential.HMAC, Material: []byte(m.Hmac)}, "", nil
	case *adminv1.Secret_PublicKey:
		return credential.Secret{Kind: credential.PublicKey, Material: []byte(m.PublicKey)}, "", nil
	}
	return secret, "", status.Error(codes.InvalidArgument, "a secret is hmac or public_key")
}
