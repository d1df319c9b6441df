package envoy

import (
	"go/ast"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestChecklist: every row of testdata/checklist.yaml has tests that exist, or a
// reason that stands in the manual.
func TestChecklist(t *testing.T) {
	data, err := os.ReadFile("testdata/checklist.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rows []struct {
		Row    int
		What   string
		Tests  []string
		Reason string
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	manual, err := os.ReadFile("../docs/envoy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reasons, found := strings.Cut(string(manual), "\n## Not tested here\n")
	if !found {
		t.Fatal(`docs/envoy.md has no section "Not tested here"`)
	}
	reasons, _, _ = strings.Cut(reasons, "\n## ")

	existing := tests(t)
	seen := map[int]bool{}
	for _, row := range rows {
		if seen[row.Row] || row.Row < 1 || row.Row > 72 || row.What == "" {
			t.Errorf("row %d: stands twice, is none or says nothing", row.Row)
		}
		seen[row.Row] = true
		if (len(row.Tests) == 0) == (row.Reason == "") {
			t.Errorf("row %d: needs tests or a reason, and not both", row.Row)
		}
		for _, name := range row.Tests {
			if !existing[name] {
				t.Errorf("row %d: there is no test %s", row.Row, name)
			}
		}
		if row.Reason != "" && !mayLack(row.Row) {
			t.Errorf("row %d: must have a test", row.Row)
		}
		if _, text, ok := strings.Cut(reasons, "**"+row.Reason+".**"); row.Reason != "" && (!ok || len(strings.TrimSpace(text)) < 20) {
			t.Errorf("row %d: docs/envoy.md has no reason %q", row.Row, row.Reason)
		}
	}
	for row := 1; row <= 72; row++ {
		if !seen[row] {
			t.Errorf("row %d: stands nowhere", row)
		}
	}
}

// mayLack names the rows that can be without a test: those that belong to parts
// which do not exist yet.
func mayLack(row int) bool {
	switch row {
	case 17, 21, 39, 40, 45, 51, 52, 72:
		return true
	}
	return row >= 61 && row <= 66
}

// tests are all test and fuzz functions of the module, as package.Name.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for path, file := range parsed(t, "..") {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		dir, err := filepath.Rel("..", filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if ok && fn.Recv == nil && (strings.HasPrefix(fn.Name.Name, "Test") || strings.HasPrefix(fn.Name.Name, "Fuzz")) {
				names[filepath.ToSlash(dir)+"."+fn.Name.Name] = true
			}
		}
	}
	return names
}
