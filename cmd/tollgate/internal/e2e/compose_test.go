package e2e

import (
	"bytes"
	"flag"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

const repository = "../../../.."

// composed is what docker-compose.yml may say. A key that is not here fails the
// test: it would be something that the test does not look at.
type composed struct {
	Services map[string]*composedService `yaml:"services"`
}

type composedService struct {
	Image       string            `yaml:"image"`
	Build       map[string]string `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Volumes     []string          `yaml:"volumes"`
	Ports       []string          `yaml:"ports"`
	NetworkMode string            `yaml:"network_mode"`
	DependsOn   []string          `yaml:"depends_on"`
	ReadOnly    bool              `yaml:"read_only"`
	CapDrop     []string          `yaml:"cap_drop"`
	SecurityOpt []string          `yaml:"security_opt"`
}

func readCompose(t *testing.T) *composed {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	c := new(composed)
	if err := decoder.Decode(c); err != nil {
		t.Fatalf("docker-compose.yml: %v", err)
	}
	return c
}

// mounted gives the content of the file that is mounted at path.
func (s *composedService) mounted(t *testing.T, path string) string {
	t.Helper()
	for _, volume := range s.Volumes {
		parts := strings.Split(volume, ":")
		if len(parts) != 3 || parts[2] != "ro" {
			t.Fatalf("volume %q: mount files read-only", volume)
		}
		if parts[1] == path {
			text, err := os.ReadFile(filepath.Join(repository, parts[0]))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	t.Fatalf("nothing is mounted at %s", path)
	return ""
}

// TestComposeFile starts what docker-compose.yml names, with its commands, its
// environment and its mounted files, as plain processes on loopback, and takes the
// tour of the demo. Addresses of containers are exchanged one by one: one that
// leads nowhere in the file leads nowhere here.
func TestComposeFile(t *testing.T) {
	services := readCompose(t).Services
	if names := slices.Sorted(maps.Keys(services)); !slices.Equal(names, []string{"envoy", "issuer", "redis", "tollgate", "upstream"}) {
		t.Fatalf("services %v", names)
	}
	dir := t.TempDir()
	issuer := fixedAddress(t)
	where := map[string]string{} // address in the network of the containers → here
	where["upstream:8080"] = startUpstream(t, services["upstream"], "0.0.0.0:8080")
	gate := startComposedGate(t, services["tollgate"], dir, map[string]string{
		"0.0.0.0:9191": "127.0.0.1:0", "0.0.0.0:9192": "127.0.0.1:0", "127.0.0.1:9193": "127.0.0.1:0",
		"redis:6379": startComposedRedis(t, services["redis"]), "127.0.0.1:9100": issuer,
	})
	where["tollgate:9191"], where["tollgate:9192"] = gate["check"], gate["public"]
	startIssuer(t, services["issuer"], issuer)

	front := services["envoy"]
	if !slices.Equal(front.Command, []string{"envoy", "--config-path", "/etc/envoy/envoy.yaml"}) {
		t.Errorf("envoy's command is %q", front.Command)
	}
	if !strings.HasPrefix(front.Image, "envoyproxy/envoy:v") {
		t.Errorf("envoy's image is %q", front.Image)
	}
	for name, s := range services {
		if name == "envoy" && !slices.Equal(s.Ports, []string{"127.0.0.1:8000:8000"}) || name != "envoy" && len(s.Ports) != 0 {
			t.Errorf("ports of %s %q: publish Envoy's listener alone, on loopback only", name, s.Ports)
		}
	}
	where["0.0.0.0:8000"], where["127.0.0.1:9901"] = "127.0.0.1:0", "127.0.0.1:0"
	envoy := runFront(t, dir, moved(t, patient(t, front.mounted(t, "/etc/envoy/envoy.yaml")), where))

	admin := demo.Admin{URL: "http://" + gate["admin"], Secret: services["tollgate"].Environment["TOLLGATE_ADMIN_SECRET"]}
	awaitIssuer(t, admin)
	tour := &demo.Tour{
		Base: "http://" + envoy.Listeners[envoyconfig.Listener], Out: t.Output(), Mint: composedMint(t, services["tollgate"]),
		Client: demo.Client{ID: "shop", Secret: services["issuer"].Environment["CLIENT_SECRET"]}, Admin: admin,
	}
	if err := tour.Run(t.Context(), demo.Steps()); err != nil {
		t.Error(err)
	}
}

var update = flag.Bool("update", false, "write deploy/compose/envoy.yaml")

// TestComposedBootstrap: the compose file's Envoy has the edge configuration.
func TestComposedBootstrap(t *testing.T) {
	want, err := envoyconfig.Render(envoyconfig.Edge, &envoyconfig.Params{
		Listen: address(t, "0.0.0.0:8000"), Admin: address(t, "127.0.0.1:9901"), Upstream: address(t, "upstream:8080"),
		Gates:  []envoyconfig.Address{address(t, "tollgate:9191")},
		Public: &envoyconfig.Public{Gates: []envoyconfig.Address{address(t, "tollgate:9192")}, Paths: []string{"/token", "/revoke"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(repository, "deploy", "compose", "envoy.yaml")
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil { // Envoy's container reads it as another user
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not the edge configuration; run go generate here (-want +file):\n%s", file, diff)
	}
}

// exchanged replaces the one word of a command.
func exchanged(t *testing.T, command []string, from, to string) []string {
	t.Helper()
	at := slices.Index(command, from)
	if at < 0 {
		t.Fatalf("command %q has no %s", command, from)
	}
	out := slices.Clone(command)
	out[at] = to
	return out
}

// composedMint signs what the compose file's HMAC secret signs.
func composedMint(t *testing.T, gate *composedService) demo.Mint {
	t.Helper()
	key, err := tokens.FromSecret("HS256", "", []byte(gate.Environment["TOLLGATE_COMPOSE_HMAC"]))
	if err != nil {
		t.Fatal(err)
	}
	return func(subject string, claims map[string]any) (string, error) {
		now := time.Now()
		all := map[string]any{"iss": issuer, "sub": subject, "aud": "orders", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
		maps.Copy(all, claims)
		return key.Sign(nil, all)
	}
}

// moved exchanges every socket address of an Envoy bootstrap.
func moved(t *testing.T, text string, where map[string]string) string {
	t.Helper()
	var tree any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	moveIn(t, tree, where)
	out, err := yaml.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func moveIn(t *testing.T, tree any, where map[string]string) {
	t.Helper()
	switch node := tree.(type) {
	case []any:
		for _, below := range node {
			moveIn(t, below, where)
		}
	case map[string]any:
		for _, below := range node {
			moveIn(t, below, where)
		}
		host, isText := node["address"].(string)
		port, isNumber := node["port_value"].(int)
		if !isText || !isNumber {
			return
		}
		from := net.JoinHostPort(host, strconv.Itoa(port))
		to, ok := where[from]
		if !ok {
			t.Fatalf("the bootstrap names %s, which no service of the compose file is", from)
		}
		host, text, err := net.SplitHostPort(to)
		if err != nil {
			t.Fatal(err)
		}
		node["address"] = host
		if node["port_value"], err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDockerfileIsSmallAndUnprivileged holds what a reader of the image relies on.
func TestDockerfileIsSmallAndUnprivileged(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"FROM gcr.io/distroless/static-debian12:nonroot", "USER 65532:65532", "CGO_ENABLED=0",
		`ENTRYPOINT ["/usr/local/bin/tollgate"]`, `CMD ["serve", "--config", "/etc/tollgate/tollgate.yaml"]`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("deploy/Dockerfile lacks %s", want)
		}
	}
	for name, s := range readCompose(t).Services {
		if s.Build != nil && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"})) {
			t.Errorf("service %s: run it read-only and without capabilities", name)
		}
	}
}
