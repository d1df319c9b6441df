package config

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// described are the Go files whose comments describe the file.
//
//go:embed file.go file_listen.go file_api.go file_policy.go
var described embed.FS

// comments gives the comments of the Go types that describe the file, by Type
// and by Type.Field.
func comments() map[string]string {
	out := map[string]string{}
	entries, err := described.ReadDir(".")
	if err != nil {
		panic(err) // embedded files can be read
	}
	for _, e := range entries {
		source, err := described.ReadFile(e.Name())
		if err != nil {
			panic(err) // embedded files can be read
		}
		tree, err := parser.ParseFile(token.NewFileSet(), e.Name(), source, parser.ParseComments)
		if err != nil {
			panic(err) // they were compiled
		}
		for _, decl := range tree.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, s := range types.Specs {
				describeType(out, types, s)
			}
		}
	}
	return out
}

// describeType adds the comments of one type.
func describeType(out map[string]string, decl *ast.GenDecl, s ast.Spec) {
	t, ok := s.(*ast.TypeSpec)
	if !ok {
		return
	}
	out[t.Name.Name] = flat(decl.Doc)
	fields, ok := t.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		for _, name := range f.Names {
			out[t.Name.Name+"."+name.Name] = flat(f.Doc)
		}
	}
}

// flat gives a comment as one line.
func flat(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}
