package e2e

import (
	"net"
	"os"
	"strings"
	"testing"
)

// bootstrap is the configuration of an Envoy in the given shape.
func bootstrap(t *testing.T, shape, upstream string, gates ...string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + shape + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var eps []string
	for _, g := range gates {
		gh, gp, _ := net.SplitHostPort(g)
		eps = append(eps, "{ endpoint: { address: { socket_address: { address: "+gh+", port_value: "+gp+" } } } }")
	}
	uh, up, _ := net.SplitHostPort(upstream)
	return strings.NewReplacer("ENDPOINTS", strings.Join(eps, ", "), "UPHOST", uh, "UPPORT", up).Replace(string(text))
}
