package house

import (
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// forbidden names the calls that this house does without, and why. rooms are
// the path prefixes that may use one all the same.
var forbidden = []struct {
	pkg, name string
	tests     bool // in tests, too
	code      bool // outside tests
	rooms     []string
	why       string
}{
	{pkg: "time", name: "Sleep", tests: true, why: "wait on a channel or a condition, or use testing/synctest"},
	{pkg: "time", name: "After", code: true, why: "it outlives its select: use a timer or a context"},
	{pkg: "time", name: "Tick", code: true, tests: true, why: "it cannot be stopped: use a ticker"},
	{pkg: "os", name: "Exit", code: true, rooms: []string{"cmd/tollgate/main.go"}, why: "only main ends the process"},
	{pkg: "log", name: "Fatal", code: true, why: "return the error"},
	{pkg: "log", name: "Fatalf", code: true, why: "return the error"},
	{pkg: "log", name: "Printf", code: true, why: "log/slog is injected"},
	{pkg: "log", name: "Println", code: true, why: "log/slog is injected"},
	{pkg: "regexp", name: "MustCompile", code: true, rooms: []string{"cmd/tollgate/internal/"}, why: "compiled at load, with an error at its position"},
	{pkg: "context", name: "TODO", code: true, tests: true, why: "pass the caller's context"},
}

func TestForbiddenCalls(t *testing.T) {
	for _, s := range sources(t) {
		for _, rule := range forbidden {
			if s.test && !rule.tests || !s.test && !rule.code || allowed(s.path, rule.rooms) {
				continue
			}
			for _, pos := range s.calls(rule.pkg, rule.name) {
				t.Errorf("%s:%d: %s.%s: %s", s.path, s.line(pos), rule.pkg, rule.name, rule.why)
			}
		}
	}
}

func allowed(file string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return strings.HasPrefix(file, room) })
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.tree.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s:%d: init runs before anybody asked: construct it where it is needed", s.path, s.line(fn.Pos()))
			}
		}
	}
}

// TestNoSkippedTest: a missing tool fails a test, it does not pass it by.
func TestNoSkippedTest(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !s.test {
				return true
			}
			selector, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			receiver, ok := selector.X.(*ast.Ident)
			skips := strings.HasPrefix(selector.Sel.Name, "Skip") && selector.Sel.Name != "Skipped"
			if ok && skips && slices.Contains([]string{"t", "b", "f", "tb"}, receiver.Name) {
				t.Errorf("%s:%d: %s.%s: a missing tool fails the test", s.path, s.line(call.Pos()), receiver.Name, selector.Sel.Name)
			}
			return true
		})
	}
}

// TestPanicsAreImpossible: a panic stands in a Must function, or a comment at it
// says why it cannot happen.
func TestPanicsAreImpossible(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || s.test {
				return true
			}
			name, ok := call.Fun.(*ast.Ident)
			if !ok || name.Name != "panic" {
				return true
			}
			within := strings.ToLower(s.enclosing(call.Pos()))
			if !strings.HasPrefix(within, "must") && !s.commented(s.line(call.Pos())) {
				t.Errorf("%s:%d: panic: return an error, or say in a comment why it is impossible", s.path, s.line(call.Pos()))
			}
			return true
		})
	}
}

// TestSnapshotIsReadInOnePlace: a request sees one snapshot, because one file
// of authz loads the pointer.
func TestSnapshotIsReadInOnePlace(t *testing.T) {
	readers := map[string]bool{}
	for _, s := range sources(t) {
		if path.Dir(s.path) != "authz" || s.test {
			continue
		}
		ast.Inspect(s.tree, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || selector.Sel.Name != "Load" {
				return true
			}
			if field, ok := selector.X.(*ast.SelectorExpr); ok && strings.HasPrefix(field.Sel.Name, "snap") {
				readers[s.path] = true
			}
			return true
		})
	}
	if len(readers) > 1 {
		t.Errorf("the snapshot is loaded in %d files: %v", len(readers), readers)
	}
}

func TestFilesAreNamedAfterAQuestion(t *testing.T) {
	vague := []string{"util", "utils", "helper", "helpers", "common", "manager", "impl", "base", "misc"}
	for _, s := range sources(t) {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.path), ".go"), "_test")
		if slices.Contains(vague, name) || slices.Contains(vague, path.Base(path.Dir(s.path))) {
			t.Errorf("%s: which question does it answer? name it after that", s.path)
		}
	}
}
