package config

import (
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	authzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"github.com/google/go-cmp/cmp"
)

// unchecked says whether a route switches the filter off.
func unchecked(t *testing.T, route *routev3.Route) bool {
	t.Helper()
	packed, ok := route.GetTypedPerFilterConfig()["envoy.filters.http.ext_authz"]
	return ok && unpack[*authzv3.ExtAuthzPerRoute](t, packed).GetDisabled()
}

// TestPublicPaths: the paths of tollgate itself come first, are whole, are the only
// ones that are not checked, and lead nowhere else.
func TestPublicPaths(t *testing.T) {
	for _, shape := range Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			b, _ := render(t, shape, issuing(t, shape))
			var got []string
			for _, host := range manager(t, b).GetRouteConfig().GetVirtualHosts() {
				for _, route := range host.GetRoutes() {
					match, to := route.GetMatch(), route.GetRoute()
					line := host.GetDomains()[0] + " " + match.GetPath() + match.GetPathSeparatedPrefix() + match.GetPrefix()
					if unchecked(t, route) {
						line += " unchecked"
						if match.GetPath() == "" || !strings.Contains(to.GetCluster(), "tollgate") || to.GetRetryPolicy().GetRetryOn() != "connect-failure" || to.GetTimeout().GetSeconds() != 30 {
							t.Errorf("%s: %v", line, route)
						}
					} else if to.GetCluster() != "upstream" {
						t.Errorf("%s leads to %s", line, to.GetCluster())
					}
					got = append(got, line)
				}
			}
			want := []string{
				"api.example.com /token unchecked", "api.example.com /revoke unchecked", "api.example.com /orders", "api.example.com /",
				"* /open", "auth.example.com /token unchecked", "auth.example.com /revoke unchecked",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
			checkPublicCluster(t, b.GetStaticResources().GetClusters())
		})
	}
}

func checkPublicCluster(t *testing.T, clusters []*clusterv3.Cluster) {
	t.Helper()
	if len(clusters) != 3 {
		t.Fatalf("%d clusters", len(clusters))
	}
	c := clusters[1]
	if len(c.GetLoadAssignment().GetEndpoints()[0].GetLbEndpoints()) != 2 || c.GetType() != clusterv3.Cluster_STRICT_DNS || len(c.GetTypedExtensionProtocolOptions()) != 0 {
		t.Errorf("the public cluster is %v", c)
	}
	secured := unpack[*tlsv3.UpstreamTlsContext](t, c.GetTransportSocket().GetTypedConfig())
	common := secured.GetCommonTlsContext()
	names := common.GetValidationContext().GetMatchTypedSubjectAltNames()
	if secured.GetSni() != "tollgate.example" || len(names) != 1 || names[0].GetMatcher().GetExact() != "tollgate.example" || cmp.Diff(common.GetAlpnProtocols(), []string{"http/1.1"}) != "" {
		t.Errorf("tls = %v", secured)
	}
}

// TestEveryRouteIsChecked: without a listener for such clients no route is left out.
func TestEveryRouteIsChecked(t *testing.T) {
	for _, shape := range Shapes() {
		b, text := render(t, shape, rich(t, shape))
		for _, host := range manager(t, b).GetRouteConfig().GetVirtualHosts() {
			for _, route := range host.GetRoutes() {
				if unchecked(t, route) {
					t.Errorf("%s: %v is not checked", shape, route.GetMatch())
				}
			}
		}
		if strings.Contains(string(text), "public") || strings.Contains(string(text), "disabled") {
			t.Errorf("%s speaks of public paths", shape)
		}
	}
}

// TestPublicPathsOfEveryHost: without hosts of their own they are those of all
// routes.
func TestPublicPathsOfEveryHost(t *testing.T) {
	p := rich(t, Edge)
	p.Public = &Public{Gates: p.Gates, Paths: []string{"/token"}}
	b, _ := render(t, Edge, p)
	hosts := manager(t, b).GetRouteConfig().GetVirtualHosts()
	for _, host := range hosts {
		if !unchecked(t, host.GetRoutes()[0]) {
			t.Errorf("%s lacks it", host.GetName())
		}
	}
	if len(hosts) != 2 {
		t.Errorf("%d hosts", len(hosts))
	}
}
