package tyk

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// prefixOf is where the fields of a kind stand.
func prefixOf(kind string) string {
	switch kind {
	case "oas":
		return "x-tyk-api-gateway.server.authentication.securitySchemes.jwtAuth."
	case "extension":
		return "x-tyk-api-gateway."
	}
	return ""
}

// within gives the object of a base file that the fields of a kind stand in.
func within(doc map[string]any, kind string) map[string]any {
	for name := range strings.SplitSeq(strings.TrimSuffix(prefixOf(kind), "."), ".") {
		if name != "" {
			doc = doc[name].(map[string]any)
		}
	}
	return doc
}

// set puts a value at a path of a document and gives that of the file's root.
func (f *field) set(t *testing.T, kind string, value any) (doc map[string]any, at string) {
	t.Helper()
	doc = base(kind)
	inner, prefix := within(doc, kind), prefixOf(kind)
	if f.Without != "" {
		delete(inner, f.Without)
	}
	if f.Beside != "" {
		if err := json.Unmarshal([]byte(f.Beside), &inner); err != nil {
			t.Fatal(err)
		}
	}
	names := strings.Split(f.Field, ".")
	for _, name := range names[:len(names)-1] {
		next, ok := inner[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			inner[name] = next
		}
		inner = next
	}
	inner[names[len(names)-1]] = value
	return doc, prefix + f.Field
}

// TestEachFieldMistyped: whatever of another type a field holds is told at the
// field, in Tyk's own spelling and with its place, and stops the start. A value
// that has two of the five types is no field.
func TestEachFieldMistyped(t *testing.T) {
	wrong := []any{true, 7, "x", []any{7, true}, map[string]any{"x": map[string]any{"y": []any{7}}}}
	for kind, rows := range readFields(t) {
		for _, f := range rows {
			if f.State == "inert" {
				continue
			}
			told := 0
			for _, value := range wrong {
				doc, at := f.set(t, kind, value)
				l := Load([]config.ForeignFile{{Path: "x.json", Data: mustJSON(t, doc)}}, Options{})
				if slices.ContainsFunc(l.Findings, func(got Finding) bool {
					under := got.Field == at || strings.HasPrefix(got.Field, at+".") || strings.HasPrefix(got.Field, at+"[")
					return got.Error && under && got.File == "x.json" && got.Line > 0 && got.Column > 0 && got.Reason != ""
				}) {
					told++
				}
			}
			if told < len(wrong)-2 {
				t.Errorf("%s %s: only %d of %d mistyped values are told at it", kind, f.Field, told, len(wrong))
			}
		}
	}
}

// TestEveryFieldMistypedAtOnce: all of them are told together.
func TestEveryFieldMistypedAtOnce(t *testing.T) {
	for kind, rows := range readFields(t) {
		doc := base(kind)
		var tops []string
		for _, f := range rows {
			if f.State != "inert" && !strings.Contains(f.Field, ".") && !slices.Contains(tops, f.Field) {
				tops = append(tops, f.Field)
			}
		}
		inner, prefix := within(doc, kind), prefixOf(kind)
		for _, name := range tops {
			switch name {
			case "enabled", "access_rights": // without it there is nothing to read; members follow
				continue
			}
			inner[name] = []any{map[string]any{"x": []any{1}}, 7}
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		l := Load([]config.ForeignFile{{Path: "x.json", Data: text}}, Options{})
		for _, name := range tops {
			at := prefix + name
			if name != "enabled" && name != "access_rights" && !slices.ContainsFunc(l.Findings, func(got Finding) bool {
				return got.Error && (got.Field == at || strings.HasPrefix(got.Field, at+".") || strings.HasPrefix(got.Field, at+"["))
			}) {
				t.Errorf("%s: nothing tells of %s", kind, name)
			}
		}
	}
}
