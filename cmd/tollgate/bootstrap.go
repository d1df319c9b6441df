package main

import envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"

// bootstrap is the edge configuration that `envoy print edge` would give, on free
// ports of loopback.
func bootstrap(gate, upstream string) (string, error) {
	from, err := envoyconfig.ParseAddress(gate)
	if err != nil {
		return "", err
	}
	to, err := envoyconfig.ParseAddress(upstream)
	if err != nil {
		return "", err
	}
	free := envoyconfig.Address{Host: "127.0.0.1"}
	text, err := envoyconfig.Render(envoyconfig.Edge, &envoyconfig.Params{
		Listen: free, Admin: free, Upstream: to, Gates: []envoyconfig.Address{from}, Log: "/dev/null",
	})
	return string(text), err
}
