package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// issuingFor is printedFor with a listener that issues split tokens.
var issuingFor = strings.NewReplacer(
	`insecure_plaintext: true}}`, `insecure_plaintext: true}, public: {address: "0.0.0.0:9192", insecure_plaintext: true}}
store: "memory:"
answers: {resource_metadata: "https://api.example.com/.well-known/oauth-protected-resource/orders"}
limits: {trusted_hops: 1}
token_endpoints: [{path: /token, upstream: "https://issuer.example/token", api: orders, clients: [{id: rs, secret: file://secret}]}]`,
	`inject: {x-user: $claims.sub}}`, `inject: {x-user: $claims.sub}, split: allowed}`,
).Replace(printedFor)

var issuingPaths = []string{"/token", "/revoke", "/introspect", "/.well-known/oauth-protected-resource/orders"}

// printed is what envoy print gives for a configuration that must be fine.
func printed(t *testing.T, file string, args ...string) ([]byte, string) {
	t.Helper()
	code, out, remarks := printFrontOf(t, file, args...)
	if code != exitOK {
		t.Fatalf("%v: exit status %d: %s", args, code, remarks)
	}
	return out, remarks
}

// publicRoutes gives "host path" of the routes that are not checked, and the
// addresses of the cluster that they lead to.
func publicRoutes(t *testing.T, bootstrap []byte) (routes, addresses []string) {
	t.Helper()
	var tree struct {
		StaticResources struct {
			Listeners []any `yaml:"listeners"`
			Clusters  []struct {
				Name       string `yaml:"name"`
				Assignment any    `yaml:"load_assignment"`
			} `yaml:"clusters"`
		} `yaml:"static_resources"`
	}
	if err := yaml.Unmarshal(bootstrap, &tree); err != nil {
		t.Fatal(err)
	}
	eachObject(tree.StaticResources.Listeners, func(object map[string]any) {
		domains, ok := object["domains"].([]any)
		if !ok {
			return
		}
		for _, route := range object["routes"].([]any) {
			route := route.(map[string]any)
			if route["route"].(map[string]any)["cluster"] == "tollgate-public" {
				routes = append(routes, domains[0].(string)+" "+route["match"].(map[string]any)["path"].(string))
			}
		}
	})
	for _, cluster := range tree.StaticResources.Clusters {
		if cluster.Name == "tollgate-public" {
			eachObject(cluster.Assignment, func(object map[string]any) {
				if host, ok := object["address"].(string); ok {
					addresses = append(addresses, host)
				}
			})
		}
	}
	return routes, addresses
}

// TestEnvoyTakesPublicPaths: where the file issues tokens, Envoy is told which paths
// are tollgate's own, on the hosts of the API that the tokens are for.
func TestEnvoyTakesPublicPaths(t *testing.T) {
	out, remarks := printed(t, issuingFor, "edge", "--gate", "127.0.0.1:9191,tollgate.internal:9191")
	validate(t, out)
	routes, addresses := publicRoutes(t, out)
	var want []string
	for _, host := range []string{"api.example.com", "*.example.org"} {
		for _, path := range issuingPaths {
			want = append(want, host+" "+path)
		}
	}
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"127.0.0.1", "tollgate.internal"}, addresses); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(out), "port_value: 9192") || remarks != "" {
		t.Errorf("another port, or a remark: %s", remarks)
	}

	out, _ = printed(t, issuingFor, "sidecar", "--gate", "unix:///run/tollgate/tollgate.sock", "--public-gate", "127.0.0.1:9292")
	validate(t, out)
	if _, addresses := publicRoutes(t, out); !slices.Equal(addresses, []string{"127.0.0.1"}) || !strings.Contains(string(out), "port_value: 9292") {
		t.Errorf("sidecar: %v", addresses)
	}

	// Without the listener every route is checked.
	if routes, addresses := publicRoutes(t, printFront(t, "edge")); len(routes)+len(addresses) != 0 {
		t.Errorf("without a listener: %v %v", routes, addresses)
	}
	// Nobody may introspect where no clients are named, and forgotten hops are told.
	quiet := strings.NewReplacer(", clients: [{id: rs, secret: file://secret}]", "", "trusted_hops: 1", "trusted_hops: 0").Replace(issuingFor)
	out, remarks = printed(t, quiet, "edge")
	if routes, _ := publicRoutes(t, out); strings.Contains(strings.Join(routes, " "), "/introspect") || !strings.Contains(remarks, "limits.trusted_hops") {
		t.Errorf("without clients: %v, %s", routes, remarks)
	}
}

func TestPublicPathsAreRefused(t *testing.T) {
	socket := strings.Replace(issuingFor, `public: {address: "0.0.0.0:9192", insecure_plaintext: true}`, "public: unix:///run/tollgate/public.sock", 1)
	for name, each := range map[string]struct {
		file, says string
		args       []string
	}{
		"nothing public":      {printedFor, "no listen.public", []string{"edge", "--public-gate", "127.0.0.1:1"}},
		"no address":          {issuingFor, "--public-gate", []string{"edge", "--public-gate", "nowhere"}},
		"beside a socket":     {issuingFor, "--public-gate is missing", []string{"sidecar", "--gate", "unix:///run/tollgate/tollgate.sock"}},
		"a socket in Istio":   {socket, "reached over TCP", []string{"istio"}},
		"a socket in gateway": {socket, "reached over TCP", []string{"envoy-gateway"}},
	} {
		t.Run(name, func(t *testing.T) {
			if code, out, remarks := printFrontOf(t, each.file, each.args...); code != exitUsage || len(out) != 0 || !strings.Contains(remarks, each.says) {
				t.Errorf("exit status %d: %s", code, remarks)
			}
		})
	}
}

// TestPublicPathsInACluster: the policies leave out exactly these paths, on exactly
// these hosts, and the routes lead them to tollgate.
func TestPublicPathsInACluster(t *testing.T) {
	out, _ := printed(t, issuingFor, "istio")
	resources := documents(t, out)
	if got := kinds(t, resources); !slices.Equal(got, []string{"AuthorizationPolicy", "EnvoyFilter"}) {
		t.Errorf("istio: %v", got)
	}
	texts := func(list []string) (out []any) {
		for _, text := range list {
			out = append(out, text)
		}
		return out
	}
	hosts := []string{"api.example.com", "*.example.org"}
	rule := func(name string, list []string) any {
		return map[string]any{"to": []any{map[string]any{"operation": map[string]any{name: texts(list)}}}}
	}
	if diff := cmp.Diff([]any{rule("notPaths", issuingPaths), rule("notHosts", hosts)}, resources[0]["spec"].(map[string]any)["rules"]); diff != "" {
		t.Errorf("istio's rules (-want +got):\n%s", diff)
	}
	var steps strings.Builder
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "#      "); ok {
			steps.WriteString(rest)
		}
	}
	_, shown, ok := strings.Cut(steps.String(), "- match:")
	if !ok {
		t.Fatalf("no route in %s", &steps)
	}
	var routes []any
	if err := yaml.Unmarshal([]byte("- match:"+shown), &routes); err != nil {
		t.Fatalf("%v in %s", err, shown)
	}
	var matches []any
	for _, path := range issuingPaths {
		matches = append(matches, map[string]any{"uri": map[string]any{"exact": path}})
	}
	want := []any{map[string]any{"match": matches, "timeout": "30s", "route": []any{map[string]any{"destination": map[string]any{
		"host": "tollgate.tollgate.svc.cluster.local", "port": map[string]any{"number": 9192},
	}}}}}
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Errorf("istio's routes (-want +got):\n%s", diff)
	}

	out, _ = printed(t, issuingFor, "envoy-gateway")
	resources = documents(t, out)
	if got := kinds(t, resources); !slices.Equal(got, []string{"SecurityPolicy", "ClientTrafficPolicy", "HTTPRoute", "SecurityPolicy", "ReferenceGrant"}) {
		t.Fatalf("envoy-gateway: %v", got)
	}
	route, policy := resources[2]["spec"].(map[string]any), resources[3]["spec"].(map[string]any)
	if diff := cmp.Diff(texts(hosts), route["hostnames"]); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
	matches = nil
	for _, path := range issuingPaths {
		matches = append(matches, map[string]any{"path": map[string]any{"type": "Exact", "value": path}})
	}
	if diff := cmp.Diff(matches, route["rules"].([]any)[0].(map[string]any)["matches"]); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"targetRefs": []any{map[string]any{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "tollgate-public"}}}, policy); diff != "" {
		t.Errorf("the policy of that route (-want +got):\n%s", diff)
	}
	if from := resources[4]["spec"].(map[string]any)["from"].([]any); len(from) != 2 {
		t.Errorf("the grant is for %v", from)
	}
}

// TestDoctorKnowsPublicPaths: what is printed is meant; a prefix in its place, or the
// upstream behind an unchecked path, is not.
func TestDoctorKnowsPublicPaths(t *testing.T) {
	out, _ := printed(t, issuingFor, "edge", "--gate", "127.0.0.1:9191")
	for name, each := range map[string]struct{ from, to, says string }{
		"as printed":             {"", "", "nothing found"},
		"a prefix":               {`match: { path: "/token" }`, `match: { prefix: "/token" }`, "route_unchecked"},
		"the upstream behind it": {`cluster: "tollgate-public"`, "cluster: upstream", "route_unchecked"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(string(out), each.from, each.to, 1)
			if each.from != "" && text == string(out) {
				t.Fatal("nothing was changed")
			}
			file := filepath.Join(t.TempDir(), "envoy.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			world := &terminal{out: &stdout, err: &stderr, getenv: func(string) (string, bool) { return "", false }, now: time.Now}
			if code := run(t.Context(), world, []string{"doctor", file}); code != exitOK || !strings.Contains(stdout.String(), each.says) {
				t.Errorf("exit status %d: %s%s", code, &stdout, &stderr)
			}
		})
	}
}
