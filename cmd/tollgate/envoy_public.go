package main

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// wellKnown begins the path of a resource's metadata (RFC 9728 section 3).
const wellKnown = "/.well-known/oauth-protected-resource"

// publicOf is what clients without a token may reach; nil where the file has no
// such listener, or nothing for it to do. Where it listens is not filled in.
func publicOf(loaded *config.Config) *envoyconfig.Public {
	if loaded.Listen.Public.IsOff() {
		return nil
	}
	public := &envoyconfig.Public{}
	clients, issuing, inactive := false, map[string]bool{}, map[string]bool{}
	for i := range loaded.TokenEndpoints {
		e := &loaded.TokenEndpoints[i]
		public.Paths = append(public.Paths, e.Path)
		clients = clients || len(e.Clients) > 0
		issuing[e.API] = true
	}
	for i := range loaded.Spec.APIs { // halves can be made by hand, and be ended here
		api := &loaded.Spec.APIs[i]
		if inactive[api.ID] = api.Inactive; api.Split.Mode != "" && api.Split.Mode != authz.SplitNone {
			issuing[api.ID] = true
		}
	}
	if len(issuing) > 0 {
		public.Paths = append(public.Paths, "/revoke")
	}
	if clients { // nobody else may ask
		public.Paths = append(public.Paths, "/introspect")
	}
	if u, err := url.Parse(loaded.Answers.ResourceMetadata.Text()); err == nil && strings.HasPrefix(u.Path, wellKnown) {
		public.Paths = append(public.Paths, u.Path)
	}
	if len(public.Paths) == 0 {
		return nil
	}
	for _, route := range routesOf(loaded) {
		if issuing[route.API] && !inactive[route.API] && !slices.Contains(public.Hosts, route.Host) {
			public.Hosts = append(public.Hosts, route.Host)
		}
	}
	return public
}

// reached fills in where Envoy finds the public listener: --public-gate, else the
// hosts of --gate at the port that it listens on, else where it listens.
func (f *printFlags) reached(public *envoyconfig.Public, loaded *config.Config) error {
	given := f.publicGates
	listens, err := envoyconfig.ParseAddress(loaded.Listen.Public.Address)
	switch {
	case given != "":
	case err != nil:
		return usage("--public-gate is missing: say where Envoy finds listen.public")
	case f.gates != "" && listens.Socket == "":
		for gate := range strings.SplitSeq(f.gates, ",") {
			at, err := envoyconfig.ParseAddress(strings.TrimSpace(gate))
			if err != nil || at.Socket != "" {
				return usage("--public-gate is missing: say where Envoy finds listen.public")
			}
			at.Port = listens.Port
			public.Gates = append(public.Gates, at)
		}
		return nil
	default:
		public.Gates = []envoyconfig.Address{listens}
		return nil
	}
	for gate := range strings.SplitSeq(given, ",") {
		at, err := envoyconfig.ParseAddress(strings.TrimSpace(gate))
		if err != nil {
			return usage("--public-gate: %w", err)
		}
		public.Gates = append(public.Gates, at)
	}
	return nil
}

// public is the part of a bootstrap about clients without a token.
func (f *printFlags) public(loaded *config.Config) (*envoyconfig.Public, error) {
	public := publicOf(loaded)
	if public == nil {
		if f.publicGates != "" {
			return nil, usage("--public-gate: the file has no listen.public with anything to do: name token_endpoints")
		}
		return nil, nil
	}
	if err := f.reached(public, loaded); err != nil {
		return nil, err
	}
	if loaded.Listen.Public.TLS != nil {
		if f.ca == "" || f.name == "" {
			return nil, usage("listen.public has tls: give --ca and --server-name")
		}
		public.TLS = &envoyconfig.TLS{CA: f.ca, Name: f.name, Cert: f.cert, Key: f.key}
	}
	return public, nil
}
