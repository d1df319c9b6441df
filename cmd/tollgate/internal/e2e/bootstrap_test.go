package e2e

import (
	"regexp"
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

// patient gives a front that waits 20 s for the gate, 10 s of them for one attempt
// (Envoy takes the longest back-off as the time-out of an attempt), and 5 s for a
// connection.
func patient(t *testing.T, text string) string {
	t.Helper()
	for pattern, longer := range map[string]string{
		`(\n\s+)timeout: 0\.5s `:  "${1}timeout: 20s ",
		`max_interval: [0-9.]+s`:  "max_interval: 10s",
		`connect_timeout: 0\.25s`: "connect_timeout: 5s",
	} {
		shipped := regexp.MustCompile(pattern)
		if n := len(shipped.FindAllString(text, -1)); n != 1 {
			t.Fatalf("the bootstrap has %q %d times", pattern, n)
		}
		text = shipped.ReplaceAllString(text, longer)
	}
	return text
}

func address(t *testing.T, text string) envoyconfig.Address {
	t.Helper()
	a, err := envoyconfig.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
