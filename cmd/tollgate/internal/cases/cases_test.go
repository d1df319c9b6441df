package cases

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The behaviour of the product, as its users would write it down, on the engine
// and on the wire. The command has its turn in cmd/tollgate.
func TestProduct(t *testing.T) {
	runner := &Runner{Surfaces: []Surface{Direct(Parts{}), Wire(Parts{}), Explained(Parts{})}}
	files, err := Find("testdata/product")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		for _, r := range runner.Run(t.Context(), file) {
			count++
			if !r.Passed() {
				t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
			}
		}
	}
	if count < 3*60 {
		t.Errorf("only %d cases were run", count)
	}
}

// Every reason code is expected by some case, but for those that no configuration
// and no request lead to.
func TestEveryReasonHasACase(t *testing.T) {
	missing := map[string]string{
		"internal":      "a fault of ours: TestPanicIsADenial of authz and TestPanicIsDenied of envoy provoke it",
		"token_invalid": "no decision has it: it is what clients see, and expected as code",
	}
	files, err := Find("testdata/product")
	if err != nil {
		t.Fatal(err)
	}
	expected, shown := map[string]bool{}, map[string]bool{}
	for _, path := range files {
		file, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range file.Cases {
			expected[one.Expect.Reason] = true
			shown[one.Expect.Code] = true
		}
	}
	for _, reason := range reasons() {
		if _, known := missing[reason]; known == expected[reason] {
			t.Errorf("%s: a case expects it: %v; it is known to be missing: %v", reason, expected[reason], known)
		}
	}
	if !shown["token_invalid"] {
		t.Error("no case expects the code token_invalid")
	}
	if t.Failed() {
		t.Logf("expected are %v", slices.Sorted(maps.Keys(expected)))
	}
}

// Every sample of policies/samples has cases beside it, and they come true: a
// sample cannot rot.
func TestSamples(t *testing.T) {
	const folder = "../../../../policies/samples"
	runner := &Runner{Surfaces: []Surface{Direct(Parts{}), Wire(Parts{}), Explained(Parts{})}}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, sample := range files {
		if strings.HasSuffix(sample, Suffix) {
			continue
		}
		samples++
		cases := strings.TrimSuffix(sample, ".yaml") + Suffix
		for _, r := range runner.Run(t.Context(), cases) {
			if !r.Passed() {
				t.Errorf("%s:%d %s (%s): %s %v", r.File, r.Line, r.Case, r.Surface, r.Error, r.Differences)
			}
		}
		if file, err := Read(cases); err != nil || file.Config.path != filepath.Base(sample) {
			t.Errorf("%s is about another file than %s (%v)", cases, sample, err)
		}
	}
	if samples < 5 {
		t.Errorf("only %d samples in %s", samples, folder)
	}
}
