package service

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/public"
)

// counter is the public listener: the handler of the configuration that counts now.
type counter struct {
	site    *site
	handler atomic.Pointer[http.Handler]
}

// ServeHTTP hands a request to that handler.
func (c *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*c.handler.Load()).ServeHTTP(w, r)
}

// publish binds the public listener.
func (s *Service) publish(ctx context.Context) error {
	on := s.first.Listen.Public
	if on.IsOff() {
		return nil
	}
	c := &counter{}
	if err := s.republishOn(c, s.first); err != nil {
		return err
	}
	site, err := newSite(ctx, on, c)
	if err != nil {
		return err
	}
	site.server.MaxHeaderBytes = public.MaxHeaderBytes
	c.site, s.public = site, c
	s.bound = append(s.bound, Bound{Name: "public", Address: shown(on.Address, site.listener.Addr().String())})
	return nil
}

// republish lets the public listener be what the configuration says now.
func (s *Service) republish(c *config.Config) error {
	if s.public == nil {
		return nil
	}
	return s.republishOn(s.public, c)
}

func (s *Service) republishOn(to *counter, c *config.Config) error {
	spec := public.Spec{
		ResourceMetadata: c.Answers.ResourceMetadata.Text(), TrustedHops: c.Limits.TrustedHops, Now: s.options.Now,
		Issuers: issuersOf(c),
	}
	for i := range c.TokenEndpoints {
		e, err := endpointOf(&c.TokenEndpoints[i])
		if err != nil {
			return err
		}
		spec.Endpoints = append(spec.Endpoints, e)
	}
	handler := public.New(spec, issued{s.engine})
	to.handler.Store(&handler)
	return nil
}

// The rate of an endpoint without one (contract section 3, token_endpoints).
const (
	endpointRequests = 30
	endpointPer      = time.Minute
)

func endpointOf(e *config.TokenEndpoint) (public.Endpoint, error) {
	out := public.Endpoint{
		Path: e.Path, Upstream: e.Upstream.Text(), API: e.API,
		RefreshToken: public.Choice(e.RefreshToken), IDToken: public.Choice(e.IDToken), Opaque: public.Choice(e.Opaque),
		Grants: e.Grants, Timeout: time.Duration(e.Timeout), Requests: endpointRequests, Per: endpointPer,
	}
	if e.Rate != nil {
		out.Requests, out.Per = e.Rate.Requests, time.Duration(e.Rate.Per)
	}
	for _, c := range e.Clients {
		out.Clients = append(out.Clients, public.Client{ID: c.ID, Secret: c.Secret.Bytes()})
	}
	if e.CA == "" {
		return out, nil
	}
	trusting := &provider{path: string(e.CA)}
	if _, err := trusting.trusting(); err != nil {
		return out, err
	}
	out.Transport = trusting
	return out, nil
}

// issuersOf are the authorization servers that the metadata names: those that keys
// are bound to.
func issuersOf(c *config.Config) []string {
	var issuers []string
	for i := range c.Spec.APIs {
		for j := range c.Spec.APIs[i].Keys {
			k := &c.Spec.APIs[i].Keys[j]
			for _, issuer := range []string{k.Discover, k.Issuer} {
				if issuer != "" && issuer != "any" {
					issuers = append(issuers, issuer)
				}
			}
		}
	}
	slices.Sort(issuers)
	return slices.Compact(issuers)
}
