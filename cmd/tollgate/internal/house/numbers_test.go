package house

import (
	"go/ast"
	"slices"
	"testing"
)

// The house numbers: upper limits, not targets.
const (
	fileLines     = 500
	testFileLines = 800
	medianLines   = 130
	functionLines = 70
	parameters    = 4 // a context not counted
	methods       = 4 // of an interface
)

func TestFilesAreShort(t *testing.T) {
	var lengths []int
	for _, s := range sources(t) {
		limit := fileLines
		if s.test {
			limit = testFileLines
		} else {
			lengths = append(lengths, s.lines)
		}
		if s.lines > limit {
			t.Errorf("%s has %d lines, at most %d: which question does its second half answer?", s.path, s.lines, limit)
		}
	}
	slices.Sort(lengths)
	if median := lengths[len(lengths)/2]; median > medianLines {
		t.Errorf("the median file has %d lines, at most %d", median, medianLines)
	}
}

func TestFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.tree.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || s.test || isTable(fn) {
				continue
			}
			if n := s.line(fn.End()) - s.line(fn.Pos()) + 1; n > functionLines {
				t.Errorf("%s:%d: %s has %d lines, at most %d", s.path, s.line(fn.Pos()), fn.Name.Name, n, functionLines)
			}
		}
	}
}

// isTable says whether all that fn does is return a literal: a table that would
// be a package variable if those were not mutable.
func isTable(fn *ast.FuncDecl) bool {
	if fn.Body == nil || len(fn.Body.List) != 1 {
		return false
	}
	result, ok := fn.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(result.Results) != 1 {
		return false
	}
	_, literal := result.Results[0].(*ast.CompositeLit)
	return literal
}

func TestParametersAreFew(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.tree.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if n := countParameters(fn.Type.Params); n > parameters {
				t.Errorf("%s:%d: %s takes %d parameters, at most %d", s.path, s.line(fn.Pos()), fn.Name.Name, n, parameters)
			}
		}
	}
}

func countParameters(list *ast.FieldList) int {
	n := 0
	for _, field := range list.List {
		if isSurrounding(field.Type) {
			continue
		}
		n += max(1, len(field.Names))
	}
	return n
}

// isSurrounding says whether a parameter is a context or a test.
func isSurrounding(kind ast.Expr) bool {
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	selector, ok := kind.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := selector.X.(*ast.Ident)
	return ok && (from.Name == "context" || from.Name == "testing")
}

func TestInterfacesAreSmall(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			face, ok := spec.Type.(*ast.InterfaceType)
			if !ok {
				return true
			}
			own := 0 // roles that are embedded have their own numbers
			for _, field := range face.Methods.List {
				own += len(field.Names)
			}
			if own > methods {
				t.Errorf("%s:%d: interface %s has %d methods, at most %d", s.path, s.line(spec.Pos()), spec.Name.Name, own, methods)
			}
			return true
		})
	}
}
