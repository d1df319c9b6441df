package e2e

import (
	"testing"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// bootstrap is the configuration of an Envoy in the given shape, on free ports of
// loopback, with its access log at log.
func bootstrap(t *testing.T, shape envoyconfig.Shape, log, upstream string, gates ...string) string {
	t.Helper()
	p := &envoyconfig.Params{
		Listen: envoyconfig.Address{Host: "127.0.0.1"}, Admin: envoyconfig.Address{Host: "127.0.0.1"},
		Upstream: address(t, upstream), Log: log,
	}
	for _, gate := range gates {
		p.Gates = append(p.Gates, address(t, gate))
	}
	text, err := envoyconfig.Render(shape, p)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func address(t *testing.T, text string) envoyconfig.Address {
	t.Helper()
	a, err := envoyconfig.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
