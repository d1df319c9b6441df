package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

const printedFor = `version: 1
listen: {check: {address: "0.0.0.0:9191", insecure_plaintext: true}}
apis:
  - {id: orders, match: [{host: api.example.com, path: /orders}, {host: "*.example.org", path: /}], keys: &keys [{secret: file://secret, issuer: any}], claims: &claims {audiences: [a]}, policies: &policies {default: [all]}, inject: {x-user: $claims.sub}}
  - {id: "strange{{x}}id", match: [{host: api.example.com, path: /strange}], keys: *keys, claims: *claims, policies: *policies}
policies: [{id: all, access: {orders: {allow: all}}}]
`

// printFront runs envoy print on a configuration.
func printFront(t *testing.T, args ...string) []byte {
	t.Helper()
	code, out, remarks := printFrontOf(t, printedFor, args...)
	if code != exitOK {
		t.Fatalf("%v: exit status %d: %s", args, code, remarks)
	}
	return out
}

// printFrontOf runs envoy print on a configuration that is given.
func printFrontOf(t *testing.T, file string, args ...string) (code int, out []byte, remarks string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"secret": "0123456789abcdef0123456789abcdef", "tollgate.yaml": file} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	world := &terminal{out: &stdout, err: &stderr, getenv: func(string) (string, bool) { return "", false }, now: time.Now}
	args = append(append([]string{"envoy", "print"}, args...), "--config", filepath.Join(dir, "tollgate.yaml"))
	code = run(t.Context(), world, args)
	return code, stdout.Bytes(), stderr.String()
}

// validate asks a real Envoy whether it takes a bootstrap configuration.
func validate(t *testing.T, bootstrap []byte) {
	t.Helper()
	path, err := demo.FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, bootstrap, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), path, "--mode", "validate", "--use-dynamic-base-id", "-l", "warning", "-c", file).CombinedOutput()
	if err != nil {
		t.Errorf("envoy refuses the configuration: %v\n%s\n%s", err, out, bootstrap)
	}
	if strings.Contains(string(out), "[warning]") {
		t.Errorf("envoy warns: %s", out)
	}
}

func TestEnvoyTakesWhatIsPrinted(t *testing.T) {
	validate(t, printFront(t, "edge", "--gate", "127.0.0.1:9191,tollgate.internal:9191"))
	validate(t, printFront(t, "sidecar", "--gate", "unix:///run/tollgate/tollgate.sock", "--admin", ""))
}

// documents reads the resources of an output.
func documents(t *testing.T, out []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	for decoder := yaml.NewDecoder(bytes.NewReader(out)); ; {
		var one map[string]any
		switch err := decoder.Decode(&one); {
		case err == io.EOF: //nolint:errorlint // the decoder gives it bare
			return all
		case err != nil:
			t.Fatalf("%v in %s", err, out)
		case one != nil:
			all = append(all, one)
		}
	}
}

// kinds validates resources against their schemas and gives their kinds. Kinds of
// Gateway API itself have no schema here.
func kinds(t *testing.T, resources []map[string]any) []string {
	t.Helper()
	var found []string
	for _, resource := range resources {
		kind, _ := resource["kind"].(string)
		found = append(found, kind)
		if kind == "ReferenceGrant" || kind == "HTTPRoute" {
			continue
		}
		schema, err := jsonschema.NewCompiler().Compile("testdata/schemas/" + strings.ToLower(kind) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(resource)
		if err != nil {
			t.Fatal(err)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		// The schema can refuse: one unknown field, and it does.
		spec := resource["spec"].(map[string]any)
		spec["unknown"] = 1
		encoded, err = json.Marshal(resource)
		if err != nil {
			t.Fatal(err)
		}
		if instance, err = jsonschema.UnmarshalJSON(bytes.NewReader(encoded)); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(instance); err == nil {
			t.Errorf("%s: the schema takes an unknown field", kind)
		}
		delete(spec, "unknown")
	}
	return found
}

func TestResourcesFitTheirSchemas(t *testing.T) {
	if got := kinds(t, documents(t, printFront(t, "istio"))); !slices.Equal(got, []string{"AuthorizationPolicy", "EnvoyFilter"}) {
		t.Errorf("istio: %v", got)
	}
	if got := kinds(t, documents(t, printFront(t, "envoy-gateway"))); !slices.Equal(got, []string{"SecurityPolicy", "ClientTrafficPolicy", "ReferenceGrant"}) {
		t.Errorf("envoy-gateway: %v", got)
	}
	if got := kinds(t, documents(t, printFront(t, "envoy-gateway", "--gateway-namespace", "tollgate"))); len(got) != 2 {
		t.Errorf("envoy-gateway in the gate's namespace: %v", got)
	}
}

// What the EnvoyFilter merges into a proxy of Istio makes a configuration that
// Envoy takes.
func TestEnvoyTakesWhatIstioMerges(t *testing.T) {
	params := &envoyconfig.Params{
		Listen: envoyconfig.Address{Host: "127.0.0.1", Port: 8080}, Upstream: envoyconfig.Address{Host: "127.0.0.1", Port: 3000},
		Gates: []envoyconfig.Address{{Host: "127.0.0.1", Port: 9191}},
	}
	rendered, err := envoyconfig.Render(envoyconfig.Istio, params)
	if err != nil {
		t.Fatal(err)
	}
	var bootstrap map[string]any
	if err := yaml.Unmarshal(rendered, &bootstrap); err != nil {
		t.Fatal(err)
	}
	merged := 0
	filter := documents(t, printFront(t, "istio"))[1]
	for _, patch := range filter["spec"].(map[string]any)["configPatches"].([]any) {
		value := patch.(map[string]any)["patch"].(map[string]any)["value"].(map[string]any)
		eachObject(bootstrap, func(object map[string]any) {
			if object["name"] == value["name"] {
				merge(object, value)
				merged++
			}
		})
	}
	if merged != 2 {
		t.Fatalf("%d places took a patch", merged)
	}
	out, err := yaml.Marshal(bootstrap)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, out)
}

// merge is protobuf's merging, in so far as the patches use it.
func merge(into, from map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		below, isObject := from[name].(map[string]any)
		old, wasObject := into[name].(map[string]any)
		if isObject && wasObject {
			merge(old, below)
			continue
		}
		into[name] = from[name]
	}
}

func eachObject(value any, call func(map[string]any)) {
	switch value := value.(type) {
	case map[string]any:
		call(value)
		for _, below := range value {
			eachObject(below, call)
		}
	case []any:
		for _, below := range value {
			eachObject(below, call)
		}
	}
}

// The mesh configuration stands in comments: it is merged by hand.
func TestMeshConfiguration(t *testing.T) {
	var mesh strings.Builder
	for line := range strings.Lines(string(printFront(t, "istio", "--service", "gate", "--service-namespace", "auth"))) {
		if rest, ok := strings.CutPrefix(line, "#    "); ok && !strings.HasPrefix(line, "#    ConfigMap") && !strings.HasPrefix(line, "#    speaks") && !strings.HasPrefix(line, "#    by host") {
			mesh.WriteString(rest)
		}
	}
	var got any
	if err := yaml.Unmarshal([]byte(mesh.String()), &got); err != nil {
		t.Fatalf("%v in %s", err, &mesh)
	}
	want := map[string]any{"meshConfig": map[string]any{
		"pathNormalization": map[string]any{"normalization": "MERGE_SLASHES"},
		"extensionProviders": []any{map[string]any{
			"name": "tollgate",
			"envoyExtAuthzGrpc": map[string]any{
				"service": "gate.auth.svc.cluster.local", "port": 9191, "timeout": "0.5s", "failOpen": false, "statusOnError": "503",
			},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
