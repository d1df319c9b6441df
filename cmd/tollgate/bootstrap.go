package main

import (
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// bootstrap is the edge configuration that `envoy print edge` would give, on free
// ports of loopback.
func bootstrap(gate demo.Gate, upstream string) (string, error) {
	var at [3]envoyconfig.Address
	for i, text := range []string{gate.Check, gate.Public, upstream} {
		parsed, err := envoyconfig.ParseAddress(text)
		if err != nil {
			return "", err
		}
		at[i] = parsed
	}
	free := envoyconfig.Address{Host: "127.0.0.1"}
	text, err := envoyconfig.Render(envoyconfig.Edge, &envoyconfig.Params{
		Listen: free, Admin: free, Upstream: at[2], Gates: at[:1], Log: "/dev/null",
		Public: &envoyconfig.Public{Gates: at[1:2], Paths: demo.PublicPaths()},
	})
	return string(text), err
}
