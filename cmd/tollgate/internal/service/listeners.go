package service

import (
	"context"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/envoy"
)

// listen binds what the file names. An empty address is off.
func (s *Service) listen(ctx context.Context) error {
	if on := s.first.Listen.Check; on.Address != "" {
		s.check = envoy.NewServer(s.authz, envoy.Config{ //nolint:contextcheck // it lives until Close, not as long as ctx
			Listeners:  []envoy.Listener{{Address: on.Address, TLS: tlsOf(on)}},
			DrainDelay: time.Duration(s.first.Drain.Delay), DrainTimeout: time.Duration(s.first.Drain.Timeout),
			Log: s.log,
		})
		addresses, err := s.check.Listen(ctx)
		if err != nil {
			s.check = nil // Listen has closed it
			return err
		}
		s.bound = append(s.bound, Bound{Name: "check", Address: shown(on.Address, addresses[0].String())})
	}
	if err := s.publish(ctx); err != nil {
		return err
	}
	if err := s.manage(ctx); err != nil {
		return err
	}
	if on := s.first.Listen.Metrics; on.Address != "" {
		site, err := newSite(ctx, on, s.obs.Handler(s.conditions))
		if err != nil {
			return err
		}
		s.site = site
		s.bound = append(s.bound, Bound{Name: "metrics", Address: shown(on.Address, site.listener.Addr().String())})
	}
	return nil
}

// shown is an address as the file would write it.
func shown(written, bound string) string {
	if isSocket(written) {
		return socketPrefix + bound
	}
	return bound
}

func tlsOf(l config.Listener) *envoy.TLS {
	if l.TLS == nil {
		return nil
	}
	return &envoy.TLS{Cert: string(l.TLS.Cert), Key: string(l.TLS.Key), ClientCA: string(l.TLS.ClientCA)}
}
