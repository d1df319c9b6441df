package doctor

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

func apis() []API {
	return []API{
		{ID: "orders", Match: []Match{{Host: "api.example.com", Path: "/orders"}}},
		{ID: "billing", Match: []Match{{Host: "*.example.com", Path: "/billing"}}},
	}
}

// startFront runs a real Envoy with a file of testdata and gives its admin address.
func startFront(t *testing.T, file string) string {
	t.Helper()
	path, err := demo.FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	bootstrap, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	front, err := demo.StartFront(t.Context(), path, t.TempDir(), string(bootstrap))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { front.Stop(5 * time.Second) })
	return "http://" + front.Admin
}

// brief gives findings as "weight rule where", one a line.
func brief(findings []Finding) []string {
	var lines []string
	for _, f := range findings {
		lines = append(lines, string(f.Weight)+" "+f.Rule+" "+f.Where)
	}
	return lines
}

// The file that Envoy starts with and the dump that a running Envoy gives are
// read alike.
func sources(t *testing.T, file string) map[string]string {
	t.Helper()
	return map[string]string{"file": filepath.Join("testdata", file), "running envoy": startFront(t, file)}
}

func TestAGoodFrontHasNoFinding(t *testing.T) {
	for name, source := range sources(t, "good.yaml") {
		front, err := Read(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		if found := front.Examine(apis()); len(found) != 0 {
			t.Errorf("%s: %v", name, brief(found))
		}
	}
}

func TestEveryMistakeIsFound(t *testing.T) {
	const careless = "listener careless"
	const ours, cluster = careless + ", filter envoy.filters.http.ext_authz", careless + ", filter envoy.filters.http.ext_authz, cluster distant"
	want := []string{
		"problem empty_mutation_rules " + ours,
		"problem failure_mode_allow " + ours,
		"problem filter_enabled " + ours,
		"problem no_grpc_service listener slow, filter check.two",
		"problem no_http2 " + cluster,
		"problem route_api " + careless + ", route misspelt",
		"problem route_api " + careless + ", route nobody",
		"problem shadow_mode " + ours,
		"problem timeout " + ours,
		"warning circuit_breakers " + cluster,
		"warning connect " + careless,
		"warning filter_after " + careless,
		"warning filter_enabled_metadata " + ours,
		"warning filter_order " + careless,
		"warning hidden_headers " + ours,
		"warning listener_unchecked listener forgotten",
		"warning no_raw_headers " + ours,
		"warning no_validate_mutations " + ours,
		"warning plaintext " + cluster,
		"warning retry_back_off " + ours,
		"warning route_unchecked " + careless + ", route open",
		"warning route_unchecked listener slow, route api /",
		"warning spoofable_headers " + careless,
		"warning timeout listener slow, filter check.one",
		"warning underscores " + careless,
		"advice health_checks " + cluster,
		"advice host_port " + careless,
		"advice internal_redirect " + careless + ", route redirected",
		"advice lb_policy " + cluster,
		"advice no_mutation_rules listener slow, filter check.one",
		"advice no_retry listener slow, filter check.one",
		"advice paths " + careless,
		"advice remote_address " + careless,
		"advice status_on_error " + ours,
	}
	for name, source := range sources(t, "bad.yaml") {
		front, err := Read(t.Context(), source)
		if err != nil {
			t.Fatal(err)
		}
		found := front.Examine(apis())
		expected := want
		if name != "file" { // context_extensions are hidden there
			expected = slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.HasSuffix(line, "route misspelt") })
		}
		if diff := cmp.Diff(expected, brief(found)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, f := range found {
			if f.What == "" || f.Instead == "" {
				t.Errorf("%s does not say what is wrong or what to change", f.Rule)
			}
		}
	}
}

// Rules are judged by what they say of the one thing that differs from good.yaml.
func TestOneChangeOneFinding(t *testing.T) {
	good, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ old, new, want string }{
		{"cluster_name: tollgate}\n                retry", "cluster_name: elsewhere}\n                retry", "problem no_cluster"},
		{"transport_api_version: V3", "transport_api_version: AUTO", "problem api_version"},
		{"timeout: 0.5s", "timeout: 0s", "problem timeout"},
		{"explicit_http_config: {http2_protocol_options: {}}", "explicit_http_config: {http_protocol_options: {}}", "problem no_http2"},
		{"{api_id: billing}", "{api_id: bill}", "problem route_api"},
		{"domains: [api.example.com]", "domains: [other.example.org]", "problem route_api"},
		{"domains: [api.example.com]", "domains: ['*.example.com']", ""},
		{"path_separated_prefix: /orders", "path: /orders/1", ""},
		{"path_separated_prefix: /orders", "prefix: /", ""},
		{"path_separated_prefix: /orders", "path: /", "problem route_api"},
		{"path_separated_prefix: /orders", "safe_regex: {regex: '/o.*'}", ""},
		{"address: 127.0.0.1, port_value: 9}", "address: tollgate.internal, port_value: 9}", "warning plaintext"},
		{"failure_mode_allow: x", "", ""},
		{"encode_raw_headers: true", "", "warning no_raw_headers"},
		{"validate_mutations: true", "", "warning no_validate_mutations"},
		{", retry_back_off: {base_interval: 0.005s, max_interval: 0.2s}", "", "warning retry_back_off"},
		{"normalize_path: true", "", "advice paths"},
		{"prefix: x-tollgate-", "prefix: x-other-", "warning spoofable_headers"},
	} {
		front, err := Parse([]byte(strings.ReplaceAll(string(good), test.old, test.new)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range brief(front.Examine(apis())) {
			weight, rest, _ := strings.Cut(line, " ")
			rule, _, _ := strings.Cut(rest, " ")
			got = append(got, weight+" "+rule)
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%q instead of %q: %v, want %q", test.new, test.old, got, test.want)
		}
	}
}

func TestWithoutAConfigurationRoutesAreNotJudgedByAPIs(t *testing.T) {
	front, err := Read(t.Context(), "testdata/bad.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range front.Examine(nil) {
		if f.Rule == "route_api" {
			t.Errorf("%s at %s", f.Rule, f.Where)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, data := range []string{"", "[]", "{", "just text", `{"configs": 1`, "a: 1"} {
		if _, err := Parse([]byte(data)); err == nil {
			t.Errorf("%q is taken for a dump", data)
		}
	}
	if _, err := Read(ctx, "http://127.0.0.1:1"); err == nil {
		t.Error("a cancelled read gives a dump")
	}
	if _, err := Read(t.Context(), "testdata/absent.json"); err == nil {
		t.Error("an absent file gives a dump")
	}
	front, err := Parse([]byte(`{"configs": [{"@type": "x.BootstrapConfigDump", "bootstrap": {"static_resources": {"listeners": 7}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(front.Examine(nil)); len(got) != 1 || !strings.Contains(got[0], "no_ext_authz") {
		t.Errorf("an empty front has %v", got)
	}
}

// FuzzParse: whatever is read is examined without a panic.
func FuzzParse(f *testing.F) {
	// Small seeds: minimising a whole dump takes the time of the fuzzing.
	f.Add([]byte("static_resources: {listeners: [{x: {'@type': .HttpConnectionManager, http_filters: [{name: a, typed_config: {'@type': .ExtAuthz, grpc_service: {envoy_grpc: {cluster_name: c}}}}]}}], clusters: [{name: c}]}"))
	f.Add([]byte(`{"configs":[{"@type":".RouteConfiguration","name":"r","virtual_hosts":[{"domains":["*"],"routes":[{"match":{"prefix":"/"}}]}]}]}`))
	f.Add([]byte(`{"configs":[{"@type":"x.HttpConnectionManager","http_filters":[null,{"typed_config":{"@type":".ExtAuthz"}}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		front, err := Parse(data)
		if err != nil {
			return
		}
		for _, finding := range front.Examine(apis()) {
			if finding.What == "" || finding.Instead == "" || finding.Where == "" {
				t.Errorf("a finding without advice: %v", finding)
			}
		}
	})
}

// Every rule that the code reports stands in the page, with its weights, and the
// page names no other.
func TestThePageNamesEveryRule(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| ([a-z, ]+) \\|").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = row[2]
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reported := map[string]string{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range regexp.MustCompile(`\.add\("([a-z0-9_]+)", (\w+)`).FindAllStringSubmatch(string(source), -1) {
			weight := strings.ToLower(call[2])
			if before := reported[call[1]]; before != "" && before != weight {
				weight = before + ", " + weight
			}
			reported[call[1]] = weight
		}
	}
	if diff := cmp.Diff(reported, documented); diff != "" {
		t.Error(diff)
	}
}
