package config

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bootstrapv3 "github.com/envoyproxy/go-control-plane/envoy/config/bootstrap/v3"
	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/access_loggers/file/v3" // named in the templates
	authzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3" // named in the templates
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	earlyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/http/early_header_mutation/header_mutation/v3"
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	httpv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// findEnvoy is the path of a real Envoy: $TOLLGATE_ENVOY, the one that make
// fetches, or one on PATH.
func findEnvoy(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TOLLGATE_ENVOY"); path != "" {
		return path
	}
	if path, err := filepath.Abs("../../.tools/envoy/envoy"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		t.Fatal("no Envoy: run .ci/fetch envoy, set TOLLGATE_ENVOY, or put envoy on PATH")
	}
	return path
}

var loopback = Address{Host: "127.0.0.1"}

// sample is a small configuration of a shape.
func sample(shape Shape) *Params {
	p := &Params{
		Listen: loopback, Admin: loopback, Upstream: Address{Host: "127.0.0.1", Port: 8080},
		Gates: []Address{{Host: "127.0.0.1", Port: 9191}}, Log: "/dev/null",
	}
	if shape == Sidecar {
		p.Gates = []Address{{Socket: "/run/tollgate/tollgate.sock"}}
	}
	return p
}

// rich uses every parameter.
func rich(t *testing.T, shape Shape) *Params {
	p := sample(shape)
	p.Upstream = Address{Host: "upstream.example", Port: 80}
	if shape != Sidecar {
		p.Gates = []Address{{Host: "tollgate-0.example", Port: 9191}, {Host: "::1", Port: 9192}}
	}
	p.Strip = []string{"x-user", "x-plan"}
	p.Routes = []Route{
		{Host: "api.example.com", Prefix: "/", API: "all"},
		{Host: "api.example.com", Prefix: "/orders/", API: `or"ders`, RequireScopes: "a b"},
		{Host: "*", Prefix: "/open"},
	}
	dir := t.TempDir()
	p.TLS = &TLS{
		CA: filepath.Join(dir, "ca.pem"), Name: "tollgate.example",
		Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"),
	}
	writePair(t, p.TLS)
	return p
}

// issuing is rich with a listener for clients that have no token yet.
func issuing(t *testing.T, shape Shape) *Params {
	t.Helper()
	p := rich(t, shape)
	p.Public = &Public{
		Gates: []Address{{Host: "tollgate-0.example", Port: 9192}, {Host: "tollgate-1.example", Port: 9192}},
		Paths: []string{"/token", "/revoke"}, Hosts: []string{"api.example.com", "auth.example.com"}, TLS: p.TLS,
	}
	return p
}

// parse reads a rendered configuration strictly: a field that Envoy's API lacks
// is an error.
func parse(t *testing.T, text []byte) *bootstrapv3.Bootstrap {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	data, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	b := &bootstrapv3.Bootstrap{}
	if err := protojson.Unmarshal(data, b); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := b.ValidateAll(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return b
}

// render gives the parsed configuration and its text.
func render(t *testing.T, shape Shape, p *Params) (*bootstrapv3.Bootstrap, []byte) {
	t.Helper()
	text, err := Render(shape, p)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, text), text
}

// unpack gives what an Any holds.
func unpack[M proto.Message](t *testing.T, packed *anypb.Any) M {
	t.Helper()
	m, err := packed.UnmarshalNew()
	if err != nil {
		t.Fatal(err)
	}
	typed, ok := m.(M)
	if !ok {
		t.Fatalf("holds %T", m)
	}
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		if err := v.ValidateAll(); err != nil {
			t.Fatal(err)
		}
	}
	return typed
}

func manager(t *testing.T, b *bootstrapv3.Bootstrap) *hcmv3.HttpConnectionManager {
	t.Helper()
	l := b.GetStaticResources().GetListeners()[0]
	if l.GetName() != Listener {
		t.Errorf("the listener is called %q", l.GetName())
	}
	return unpack[*hcmv3.HttpConnectionManager](t, l.GetFilterChains()[0].GetFilters()[0].GetTypedConfig())
}

func filter(t *testing.T, m *hcmv3.HttpConnectionManager) *authzv3.ExtAuthz {
	t.Helper()
	if first := m.GetHttpFilters()[0]; first.GetName() != "envoy.filters.http.ext_authz" || first.GetDisabled() || first.GetIsOptional() {
		t.Fatalf("the first filter is %v", first)
	}
	return unpack[*authzv3.ExtAuthz](t, m.GetHttpFilters()[0].GetTypedConfig())
}

// TestEnvoyTakesEveryShape: the real Envoy loads each, without a warning.
func TestEnvoyTakesEveryShape(t *testing.T) {
	path := findEnvoy(t)
	for _, shape := range Shapes() {
		for name, p := range map[string]*Params{"sample": sample(shape), "rich": rich(t, shape), "issuing": issuing(t, shape)} {
			t.Run(string(shape)+"/"+name, func(t *testing.T) {
				_, text := render(t, shape, p)
				file := filepath.Join(t.TempDir(), "envoy.yaml")
				if err := os.WriteFile(file, text, 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.CommandContext(t.Context(), path, "--mode", "validate", "--config-path", file, "--log-level", "warning").CombinedOutput()
				if err != nil || !strings.Contains(string(out), "OK") {
					t.Errorf("%v\n%s", err, out)
				}
				if strings.Contains(string(out), "[warning]") {
					t.Errorf("warnings:\n%s", out)
				}
			})
		}
	}
}

// TestProtections: what each shape must have.
func TestProtections(t *testing.T) {
	for _, shape := range Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			b, _ := render(t, shape, rich(t, shape))
			m := manager(t, b)
			f := filter(t, m)
			if f.GetFailureModeAllow() || f.GetFailureModeAllowHeaderAdd() || f.GetClearRouteCache() || f.GetShadowMode() {
				t.Error("the filter does not fail closed")
			}
			if f.GetStatusOnError().GetCode() != typev3.StatusCode_ServiceUnavailable {
				t.Errorf("status_on_error = %v", f.GetStatusOnError())
			}
			if f.GetWithRequestBody() != nil || f.GetFilterEnabled() != nil || f.GetFilterEnabledMetadata() != nil {
				t.Error("the filter reads bodies or can be switched off")
			}
			if f.GetTransportApiVersion() != corev3.ApiVersion_V3 || !f.GetEmitFilterStateStats() {
				t.Error("version or statistics")
			}
			raw := shape != Istio
			if f.GetEncodeRawHeaders() != raw || f.GetValidateMutations() != raw {
				t.Errorf("raw headers %v, validation %v", f.GetEncodeRawHeaders(), f.GetValidateMutations())
			}
			service := f.GetGrpcService()
			retry := service.GetRetryPolicy()
			if service.GetTimeout().AsDuration() != 500*time.Millisecond || retry.GetNumRetries().GetValue() != 2 ||
				retry.GetRetryBackOff().GetBaseInterval().AsDuration() != 5*time.Millisecond {
				t.Errorf("service = %v", service)
			}
			if strings.ContainsAny(service.GetEnvoyGrpc().GetAuthority(), "|") || service.GetEnvoyGrpc().GetAuthority() == "" {
				t.Errorf("authority = %q", service.GetEnvoyGrpc().GetAuthority())
			}
			rules := f.GetDecoderHeaderMutationRules()
			if !rules.GetDisallowIsError().GetValue() || rules.GetDisallowSystem().GetValue() || rules.GetDisallowExpression().GetRegex() == "" {
				t.Errorf("rules = %v", rules)
			}
			if !m.GetNormalizePath().GetValue() || !m.GetMergeSlashes() || !m.GetUseRemoteAddress().GetValue() {
				t.Error("paths are not normalised")
			}
			escaped := hcmv3.HttpConnectionManager_REJECT_REQUEST
			if shape == Istio {
				escaped = hcmv3.HttpConnectionManager_KEEP_UNCHANGED
			}
			if m.GetPathWithEscapedSlashesAction() != escaped {
				t.Errorf("escaped slashes: %v", m.GetPathWithEscapedSlashesAction())
			}
			if underscores := m.GetCommonHttpProtocolOptions().GetHeadersWithUnderscoresAction(); shape != Istio && underscores != corev3.HttpProtocolOptions_REJECT_REQUEST {
				t.Errorf("underscores: %v", underscores)
			}
			if len(m.GetUpgradeConfigs()) != 0 {
				t.Error("upgrades, CONNECT among them, are to be asked for")
			}
			checkStrip(t, m)
			checkCluster(t, b, service.GetEnvoyGrpc().GetClusterName())
			if host := b.GetAdmin().GetAddress().GetSocketAddress().GetAddress(); host != "127.0.0.1" {
				t.Errorf("admin = %q", host)
			}
		})
	}
}

// checkStrip wants the reserved prefix and the injected names removed early.
func checkStrip(t *testing.T, m *hcmv3.HttpConnectionManager) {
	t.Helper()
	early := unpack[*earlyv3.HeaderMutation](t, m.GetEarlyHeaderMutationExtensions()[0].GetTypedConfig())
	var got []string
	for _, mutation := range early.GetMutations() {
		if match := mutation.GetRemoveOnMatch(); match != nil {
			got = append(got, match.GetKeyMatcher().GetPrefix()+"*")
			continue
		}
		got = append(got, mutation.GetRemove())
	}
	if diff := cmp.Diff([]string{"x-tollgate-*", "x-envoy-auth-failure-mode-allowed", "x-user", "x-plan"}, got); diff != "" {
		t.Errorf("removed early (-want +got):\n%s", diff)
	}
}

// checkCluster wants the service's cluster to survive restarts and dead peers.
func checkCluster(t *testing.T, b *bootstrapv3.Bootstrap, name string) {
	t.Helper()
	var c *clusterv3.Cluster
	for _, other := range b.GetStaticResources().GetClusters() {
		if other.GetName() == name {
			c = other
		}
	}
	window := c.GetCommonLbConfig().GetUpdateMergeWindow()
	if window == nil || window.AsDuration() != 0 {
		t.Errorf("update_merge_window = %v", window)
	}
	if len(c.GetHealthChecks()) != 1 || c.GetHealthChecks()[0].GetGrpcHealthCheck() == nil ||
		c.GetHealthChecks()[0].GetNoTrafficInterval().AsDuration() > 5*time.Second {
		t.Errorf("health checks = %v", c.GetHealthChecks())
	}
	if n := c.GetCircuitBreakers().GetThresholds()[0].GetMaxRequests().GetValue(); n < 4096 {
		t.Errorf("at most %d requests at once", n)
	}
	options := unpack[*httpv3.HttpProtocolOptions](t, c.GetTypedExtensionProtocolOptions()["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"])
	keepalive := options.GetExplicitHttpConfig().GetHttp2ProtocolOptions().GetConnectionKeepalive()
	if keepalive.GetInterval().AsDuration() < 10*time.Second || keepalive.GetTimeout() == nil {
		t.Errorf("keepalive = %v", keepalive)
	}
	secured := unpack[*tlsv3.UpstreamTlsContext](t, c.GetTransportSocket().GetTypedConfig())
	names := secured.GetCommonTlsContext().GetValidationContext().GetMatchTypedSubjectAltNames()
	if secured.GetSni() != "tollgate.example" || len(names) != 1 || names[0].GetMatcher().GetExact() != "tollgate.example" ||
		len(secured.GetCommonTlsContext().GetTlsCertificates()) != 1 {
		t.Errorf("tls = %v", secured)
	}
}

// TestRoutes: the longest prefix comes first, segments are whole, texts stay
// texts, and only shapes that can send extensions do.
func TestRoutes(t *testing.T) {
	for _, shape := range Shapes() {
		t.Run(string(shape), func(t *testing.T) {
			b, _ := render(t, shape, rich(t, shape))
			var got []string
			for _, host := range manager(t, b).GetRouteConfig().GetVirtualHosts() {
				for _, route := range host.GetRoutes() {
					line := host.GetDomains()[0] + " " + route.GetMatch().GetPrefix() + route.GetMatch().GetPathSeparatedPrefix()
					if packed, ok := route.GetTypedPerFilterConfig()["envoy.filters.http.ext_authz"]; ok {
						extensions := unpack[*authzv3.ExtAuthzPerRoute](t, packed).GetCheckSettings().GetContextExtensions()
						line += " " + extensions["api_id"] + " " + extensions["require_scopes"]
					}
					got = append(got, strings.TrimSpace(line))
				}
			}
			want := []string{`api.example.com /orders or"ders a b`, "api.example.com / all", "* /open"}
			if shape == Istio {
				want = []string{"api.example.com /orders", "api.example.com /", "* /open"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("routes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClusters: names are looked up, addresses are not, sockets are pipes.
func TestClusters(t *testing.T) {
	types := func(shape Shape, p *Params) string {
		b, _ := render(t, shape, p)
		var out []string
		for _, c := range b.GetStaticResources().GetClusters() {
			out = append(out, c.GetType().String())
			for _, e := range c.GetLoadAssignment().GetEndpoints()[0].GetLbEndpoints() {
				if pipe := e.GetEndpoint().GetAddress().GetPipe(); pipe != nil {
					out = append(out, pipe.GetPath())
				}
			}
		}
		return strings.Join(out, " ")
	}
	if got := types(Edge, sample(Edge)); got != "STATIC STATIC" {
		t.Errorf("addresses: %s", got)
	}
	if got := types(Edge, rich(t, Edge)); got != "STRICT_DNS STRICT_DNS" {
		t.Errorf("names: %s", got)
	}
	if got := types(Sidecar, sample(Sidecar)); got != "STATIC /run/tollgate/tollgate.sock STATIC" {
		t.Errorf("sidecar: %s", got)
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, change := range map[string]func(p *Params) Shape{
		"another shape":          func(*Params) Shape { return "mesh" },
		"listening on a name":    func(p *Params) Shape { p.Listen.Host = "localhost"; return Edge },
		"an open admin":          func(p *Params) Shape { p.Admin.Host = "0.0.0.0"; return Edge },
		"no upstream":            func(p *Params) Shape { p.Upstream = Address{}; return Edge },
		"no gate":                func(p *Params) Shape { p.Gates = nil; return Istio },
		"a sidecar over TCP":     func(*Params) Shape { return Sidecar },
		"a relative prefix":      func(p *Params) Shape { p.Routes = []Route{{Host: "*", Prefix: "a"}}; return Edge },
		"a public prefix":        func(p *Params) Shape { p.Public.Paths = []string{"/token/*"}; return Edge },
		"a public root":          func(p *Params) Shape { p.Public.Paths = []string{"/"}; return Edge },
		"no public path":         func(p *Params) Shape { p.Public.Paths = nil; return Edge },
		"nobody at public":       func(p *Params) Shape { p.Public.Gates = nil; return Edge },
		"public tls for nobody":  func(p *Params) Shape { p.Public.TLS = &TLS{CA: "ca.pem"}; return Edge },
		"tls that checks nobody": func(p *Params) Shape { p.TLS = &TLS{}; return Edge },
	} {
		t.Run(name, func(t *testing.T) {
			p := sample(Edge)
			p.Public = &Public{Gates: p.Gates, Paths: []string{"/token"}}
			if out, err := Render(change(p), p); err == nil {
				t.Errorf("rendered %d bytes", len(out))
			}
		})
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"127.0.0.1:9191": {Host: "127.0.0.1", Port: 9191}, "[::1]:1": {Host: "::1", Port: 1},
		"tollgate:9191": {Host: "tollgate", Port: 9191}, "unix:///run/t.sock": {Socket: "/run/t.sock"},
	} {
		if got, err := ParseAddress(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "host", ":9191", "a:b", "a:70000", "unix://t.sock", "unix:t.sock"} {
		if got, err := ParseAddress(text); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
