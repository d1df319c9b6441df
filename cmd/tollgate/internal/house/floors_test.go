package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/tollgate-authz/tollgate"

// floors is the table of packages. On floors 0 to 2 an import goes down only,
// above that it goes down or sideways. A package that is not here fails the
// test: where it belongs is decided before it is written.
var floors = map[string]int{
	"policies":                      0,
	"store/limit":                   0,
	"store":                         0,
	"store/seal":                    0,
	"authz/internal/jws":            0,
	"authz/internal/keyset":         0,
	"proto/tollgate/admin/v1":       0,
	"store/memory":                  1,
	"store/file":                    1,
	"store/redis":                   1,
	"store/storetest":               1,
	"authz/credential":              1,
	"authz/internal/split":          1,
	"authz/internal/revoked":        1,
	"authz":                         2,
	"envoy":                         3,
	"envoy/config":                  3,
	"cmd/tollgate/internal/admin":   4,
	"cmd/tollgate/internal/cases":   4,
	"cmd/tollgate/internal/config":  4,
	"cmd/tollgate/internal/demo":    4,
	"cmd/tollgate/internal/doctor":  4,
	"cmd/tollgate/internal/e2e":     4,
	"cmd/tollgate/internal/house":   4,
	"cmd/tollgate/internal/load":    4,
	"cmd/tollgate/internal/obs":     4,
	"cmd/tollgate/internal/public":  4,
	"cmd/tollgate/internal/service": 4,
	"cmd/tollgate/internal/tokens":  4,
	"cmd/tollgate/internal/tyk":     4,
	"cmd/tollgate":                  5,
	"policies/samples":              5,
	"deploy":                        5,
}

// sideways names the imports inside floors 0 to 2 that are part of the design.
var sideways = map[string][]string{
	"store":                 {"store/limit"},        // Counter speaks in the kernel's values
	"authz/internal/keyset": {"authz/internal/jws"}, // a set holds the keys that jws verifies with
}

// owners says who alone may import a library; tests of a package count as it.
var owners = []struct {
	library string
	rooms   []string
}{
	{"github.com/redis/go-redis", []string{"store/redis"}},
	{"github.com/envoyproxy/go-control-plane", []string{"envoy", "envoy/config"}},
	{"github.com/lestrrat-go/jwx", []string{"authz/internal/jws", "authz/internal/keyset"}},
	{"go.etcd.io/bbolt", []string{"store/file"}},
}

// transports is what the core must not reach, not even through others.
var transports = []string{
	"github.com/envoyproxy/", "google.golang.org/grpc", "github.com/redis/", "github.com/prometheus/",
	"go.opentelemetry.io/", "go.yaml.in/yaml", "gopkg.in/yaml", "github.com/goccy/go-yaml", "github.com/spf13/",
}

type pkg struct {
	ImportPath                         string
	Standard                           bool
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

func (p *pkg) room() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// everyImport gives the imports of the package and of its tests.
func (p *pkg) everyImport() []string {
	return slices.Concat(p.Imports, p.TestImports, p.XTestImports)
}

func packages(t *testing.T) []*pkg {
	t.Helper()
	found, err := graph()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// graph asks the go tool once for all tests.
var graph = sync.OnceValues(func() ([]*pkg, error) {
	command := exec.Command("go", "list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Deps", module+"/...")
	var diagnostics bytes.Buffer
	command.Stderr = &diagnostics
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, diagnostics.String())
	}
	var found []*pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		one := new(pkg)
		if err := decoder.Decode(one); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		found = append(found, one)
	}
})

func TestEveryPackageHasAFloor(t *testing.T) {
	for _, p := range packages(t) {
		if _, ok := floors[p.room()]; !ok {
			t.Errorf("%s is not in the table of floors: say where it belongs", p.room())
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		floor := floors[p.room()]
		for _, imported := range p.Imports {
			room, ours := strings.CutPrefix(imported, module+"/")
			if !ours || slices.Contains(sideways[p.room()], room) {
				continue
			}
			switch target := floors[room]; {
			case target > floor:
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down", p.room(), floor, room, target)
			case target == floor && floor <= 2:
				t.Errorf("%s imports its sibling %s: on floor %d nobody does", p.room(), room, floor)
			}
		}
	}
}

func TestLibrariesHaveOneRoom(t *testing.T) {
	for _, p := range packages(t) {
		for _, owner := range owners {
			if slices.Contains(owner.rooms, p.room()) {
				continue
			}
			for _, imported := range p.everyImport() {
				if strings.HasPrefix(imported, owner.library) {
					t.Errorf("%s imports %s: only %s may", p.room(), imported, strings.Join(owner.rooms, " and "))
				}
			}
		}
	}
}

func TestTheCoreKnowsNoTransport(t *testing.T) {
	for _, p := range packages(t) {
		room := p.room()
		if room != "policies" && room != "authz" && !strings.HasPrefix(room, "authz/") {
			continue
		}
		for _, dep := range p.Deps {
			for _, transport := range transports {
				if strings.HasPrefix(dep, transport) {
					t.Errorf("%s reaches %s: authz and policies are transport-free", room, dep)
				}
			}
		}
		if room != "authz/internal/keyset" && slices.Contains(p.Imports, "net/http") {
			t.Errorf("%s imports net/http: only authz/internal/keyset fetches", room)
		}
	}
}

func TestOnlyMainReachesTheCommandLine(t *testing.T) {
	for _, p := range packages(t) {
		if p.room() != "cmd/tollgate" && slices.Contains(p.everyImport(), "github.com/spf13/cobra") {
			t.Errorf("%s imports cobra: commands live in cmd/tollgate", p.room())
		}
	}
}

// TestDependenciesStayFew counts the modules that go.mod requires directly.
func TestDependenciesStayFew(t *testing.T) {
	const most = 30
	out, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", "../../../../go.mod").Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	direct := 0
	for _, required := range mod.Require {
		if !required.Indirect {
			direct++
		}
	}
	if direct > most {
		t.Errorf("%d direct dependencies, at most %d: which one can go?", direct, most)
	}
}
