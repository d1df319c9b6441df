package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// keyFlags describe a key.
type keyFlags struct {
	id, org, alias, expires string
	secret, publicKey       string
	policies, tags, meta    []string
	inactive                bool
}

// describe adds the flags of what a key is.
func (k *keyFlags) describe(c *cobra.Command) {
	c.Flags().StringVar(&k.alias, "alias", "", "a name for people")
	c.Flags().StringVar(&k.expires, "expires", "", "when it ends: 2026-01-31T10:00:00Z, seconds since 1970, or never")
	c.Flags().StringArrayVar(&k.policies, "policy", nil, "a policy that it has; may be repeated")
	c.Flags().StringArrayVar(&k.tags, "tag", nil, "a tag; may be repeated")
	c.Flags().StringArrayVar(&k.meta, "meta", nil, "NAME=VALUE for upstreams; may be repeated")
	c.Flags().BoolVar(&k.inactive, "inactive", false, "refuse its tokens")
}

// material adds the flags of what verifies its tokens.
func (k *keyFlags) material(c *cobra.Command) {
	c.Flags().StringVar(&k.secret, "secret", "", "where the secret is: env://NAME or file://PATH; without it and --public-key one is made")
	c.Flags().StringVar(&k.publicKey, "public-key", "", "a PEM file with the public key of its holder")
}

// read gives the material; nil when no flag names one.
func (k *keyFlags) read(t *terminal) (*adminv1.Secret, error) {
	switch {
	case k.secret != "" && k.publicKey != "":
		return nil, usage("--secret and --public-key: give one of them")
	case k.publicKey != "":
		text, err := os.ReadFile(k.publicKey)
		if err != nil {
			return nil, usage("--public-key: %w", err)
		}
		return &adminv1.Secret{Material: &adminv1.Secret_PublicKey{PublicKey: string(text)}}, nil
	case k.secret == "":
		return nil, nil
	}
	if name, ok := strings.CutPrefix(k.secret, "env://"); ok {
		value, set := t.getenv(name)
		if !set || value == "" {
			return nil, usage("--secret: the variable is not set")
		}
		return &adminv1.Secret{Material: &adminv1.Secret_Hmac{Hmac: value}}, nil
	}
	path, ok := strings.CutPrefix(k.secret, "file://")
	if !ok { // it may be the secret itself: it is not shown
		return nil, usage("--secret wants a reference, as others can read arguments: env://NAME or file://PATH")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("--secret: %w", err)
	}
	return &adminv1.Secret{Material: &adminv1.Secret_Hmac{Hmac: strings.TrimRight(string(text), "\r\n")}}, nil
}

// change puts the flags that were given over a key.
func (k *keyFlags) change(c *cobra.Command, key *adminv1.Key) error {
	given := c.Flags().Changed
	if given("alias") {
		key.Alias = k.alias
	}
	if given("policy") {
		key.Policies = k.policies
	}
	if given("tag") {
		key.Tags = k.tags
	}
	if given("inactive") {
		key.Inactive = k.inactive
	}
	if given("meta") {
		key.Meta = map[string]string{}
		for _, pair := range k.meta {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return usage("--meta wants NAME=VALUE")
			}
			key.Meta[name] = value
		}
	}
	if !given("expires") {
		return nil
	}
	if key.Expires = nil; k.expires == "never" {
		return nil
	}
	at, err := instant(k.expires)
	if err != nil || at.IsZero() {
		return usage("--expires is no time: write 2026-01-31T10:00:00Z, seconds since 1970, or never")
	}
	key.Expires = timestamppb.New(at)
	return nil
}

func newKeysCreate(t *terminal) *cobra.Command {
	k := &keyFlags{}
	c := &cobra.Command{
		Use: "create --policy P", Short: "make a key", Args: cobra.NoArgs,
		Long: `Make a key and print it. A secret that is made here is shown now and never again.`,
	}
	c.Flags().StringVar(&k.id, "id", "", "what tokens name it by (kid); without it one is made")
	c.Flags().StringVar(&k.org, "org", "", "its org")
	k.describe(c)
	k.material(c)
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		key := &adminv1.Key{Id: k.id, Org: k.org}
		if err := k.change(c, key); err != nil {
			return err
		}
		secret, err := k.read(t)
		if err != nil {
			return err
		}
		return f.asks(c.Context(), t, func(a *api) error {
			made := &adminv1.CreateKeyResponse{}
			if err := a.call(c.Context(), "POST", "/v1/keys", &adminv1.CreateKeyRequest{Key: key, Secret: secret}, made); err != nil {
				return err
			}
			return f.say(t, t.keyText(made.GetKey())+secretText(made.GetSecret())+warningText(made.GetWarnings()), made)
		})
	}
	return c
}

func newKeysUpdate(t *terminal) *cobra.Command {
	k := &keyFlags{}
	c := &cobra.Command{Use: "update ID", Short: "change what the flags name of a key", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&k.org, "org", "", "its org")
	k.describe(c)
	k.material(c)
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		secret, err := k.read(t)
		if err != nil {
			return err
		}
		return f.asks(c.Context(), t, func(a *api) error {
			key, err := a.key(c.Context(), args[0], k.org)
			if err != nil {
				return err
			}
			if err := k.change(c, key); err != nil {
				return err
			}
			changed := &adminv1.UpdateKeyResponse{}
			request := &adminv1.UpdateKeyRequest{Key: key, Secret: secret}
			if err := a.call(c.Context(), "PUT", "/v1/keys/"+url.PathEscape(key.GetId()), request, changed); err != nil {
				return err
			}
			return f.say(t, t.keyText(changed.GetKey())+warningText(changed.GetWarnings()), changed)
		})
	}
	return c
}

func newKeysRotate(t *terminal) *cobra.Command {
	k := &keyFlags{}
	var overlap time.Duration
	c := &cobra.Command{Use: "rotate ID", Short: "give a key a new secret", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&k.org, "org", "", "its org")
	c.Flags().DurationVar(&overlap, "overlap", 0, "how long the old secret still verifies")
	k.material(c)
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		secret, err := k.read(t)
		if err != nil {
			return err
		}
		return f.asks(c.Context(), t, func(a *api) error {
			rotated := &adminv1.RotateKeyResponse{}
			request := &adminv1.RotateKeyRequest{Org: k.org, Secret: secret, Overlap: durationpb.New(overlap)}
			if err := a.call(c.Context(), "POST", keyPath(args[0])+":rotate", request, rotated); err != nil {
				return err
			}
			return f.say(t, t.keyText(rotated.GetKey())+secretText(rotated.GetSecret())+warningText(rotated.GetWarnings()), rotated)
		})
	}
	return c
}

func newKeysDelete(t *terminal) *cobra.Command {
	var org string
	c := &cobra.Command{Use: "delete ID…", Short: "delete keys", Args: cobra.MinimumNArgs(1)}
	c.Flags().StringVar(&org, "org", "", "their org")
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return f.asks(c.Context(), t, func(a *api) error {
			var failed error
			for _, id := range args {
				gone := &adminv1.DeleteKeyResponse{}
				if err := a.call(c.Context(), "DELETE", keyPath(id)+inOrg(org), nil, gone); err != nil {
					failed = errors.Join(failed, fmt.Errorf("%q: %w", id, err))
					continue
				}
				if err := f.say(t, fmt.Sprintf("deleted %q\n", id), gone); err != nil {
					return err
				}
			}
			return failed
		})
	}
	return c
}

// key gets a key.
func (a *api) key(ctx context.Context, id, org string) (*adminv1.Key, error) {
	got := &adminv1.GetKeyResponse{}
	err := a.call(ctx, "GET", keyPath(id)+inOrg(org), nil, got)
	return got.GetKey(), err
}

func keyPath(id string) string { return "/v1/keys/" + url.PathEscape(id) }

func inOrg(org string) string {
	if org == "" {
		return ""
	}
	return "?org=" + url.QueryEscape(org)
}
