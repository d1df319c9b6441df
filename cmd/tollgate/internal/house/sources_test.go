package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const root = "../../../.."

// source is one Go file that people wrote.
type source struct {
	path  string // from the root of the repository
	lines int
	test  bool
	set   *token.FileSet
	tree  *ast.File
}

func (s *source) line(p token.Pos) int { return s.set.Position(p).Line }

// enclosing gives the name of the function around pos, "" outside of one.
func (s *source) enclosing(pos token.Pos) string {
	for _, decl := range s.tree.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Pos() <= pos && pos < fn.End() {
			return fn.Name.Name
		}
	}
	return ""
}

// commented says whether line or the one before it has a comment.
func (s *source) commented(line int) bool {
	for _, group := range s.tree.Comments {
		for _, comment := range group.List {
			if at := s.line(comment.Pos()); at == line || at == line-1 {
				return true
			}
		}
	}
	return false
}

// sources are the Go files of the repository but generated ones.
func sources(t *testing.T) []*source {
	t.Helper()
	found, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("only %d sources found: is %s still the root?", len(found), root)
	}
	return found
}

// parsed reads and parses once for all tests.
var parsed = sync.OnceValues(func() ([]*source, error) {
	var found []*source
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			name := entry.Name()
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		tree, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(tree) {
			return nil
		}
		short, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found = append(found, &source{
			path: filepath.ToSlash(short), lines: bytes.Count(text, []byte("\n")),
			test: strings.HasSuffix(path, "_test.go"), set: set, tree: tree,
		})
		return nil
	})
	return found, err
})

// calls gives every call of package.name in a file, under whatever name the
// package is imported.
func (s *source) calls(path, name string) []token.Pos {
	local := ""
	for _, spec := range s.tree.Imports {
		if strings.Trim(spec.Path.Value, `"`) != path {
			continue
		}
		local = path[strings.LastIndex(path, "/")+1:]
		if spec.Name != nil {
			local = spec.Name.Name
		}
	}
	if local == "" {
		return nil
	}
	var found []token.Pos
	ast.Inspect(s.tree, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok || selector.Sel.Name != name {
			return true
		}
		if from, ok := selector.X.(*ast.Ident); ok && from.Name == local {
			found = append(found, selector.Pos())
		}
		return true
	})
	return found
}
