package envoy

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// generated are the modules whose types only these files may know.
var (
	generated = []string{"github.com/envoyproxy/go-control-plane", "google.golang.org/genproto", "google.golang.org/protobuf"}
	knowing   = []string{"request.go", "response.go"}
)

// parsed is every Go file under a directory.
func parsed(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.SkipObjectResolution)
		files[path] = file
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestGeneratedTypesStayInTwoFiles: the codec can be exchanged, because Envoy's
// messages are known to request.go and response.go only.
func TestGeneratedTypesStayInTwoFiles(t *testing.T) {
	seen := 0
	for path, file := range parsed(t, ".") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, imported := range file.Imports {
			from := strings.Trim(imported.Path.Value, `"`)
			if !slices.ContainsFunc(generated, func(module string) bool { return strings.HasPrefix(from, module) }) {
				continue
			}
			seen++
			if !slices.Contains(knowing, path) {
				t.Errorf("%s imports %s: only %v may", path, from, knowing)
			}
		}
	}
	if seen == 0 {
		t.Error("no file imports Envoy's messages: this test looks for the wrong thing")
	}
}

// TestOneConstructorOfAnswers (row 22): a CheckResponse is made in response.go,
// where it cannot lack a status, and nowhere else in the product. An allow is
// made by one function and a denial by another.
func TestOneConstructorOfAnswers(t *testing.T) {
	made := map[string][]string{}
	for path, file := range parsed(t, "..") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if literal, ok := n.(*ast.CompositeLit); ok && constructs(literal.Type) {
					made[path] = append(made[path], fn.Name.Name)
				}
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
					if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "new" && constructs(call.Args[0]) {
						made[path] = append(made[path], fn.Name.Name)
					}
				}
				return true
			})
		}
	}
	got := map[string]bool{}
	for path, functions := range made {
		for _, name := range functions {
			got[path+": "+name] = true
		}
	}
	want := []string{"../envoy/response.go: allowed", "../envoy/response.go: denied", "../envoy/response.go: newReply"}
	if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
		t.Errorf("answers are made by %v, want %v", names, want)
	}
}

// constructs says whether a type is, or holds, a CheckResponse.
func constructs(of ast.Expr) bool {
	switch e := of.(type) {
	case *ast.SelectorExpr:
		return e.Sel.Name == "CheckResponse"
	case *ast.Ident:
		return e.Name == "allowReply" || e.Name == "reply"
	}
	return false
}
