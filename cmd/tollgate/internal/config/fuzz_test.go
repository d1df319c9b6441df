package config

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzLoader: whatever the bytes are, the loader does not panic, places every
// problem inside the file, and agrees with the JSON Schema about the shape. What
// it accepts means the same when it is written as JSON.
func FuzzLoader(f *testing.F) {
	const longest = 1 << 13
	for _, path := range examples(f) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) <= longest {
			f.Add(data)
		}
	}
	schema, forms := compiledSchema(f), newForms()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > longest {
			return
		}
		file, problems := decodedBy(forms, data)
		rows := (&document{data: data}).lines()
		for _, p := range problems {
			if p.Line < 1 || p.Line > len(rows) || p.Column < 1 || p.Column > len(rows[p.Line-1])+2 || p.What == "" || p.File == "" {
				t.Errorf("a problem has no place: %+v", p)
			}
		}
		accepted := agreeOn(t, schema, sample{"input", data, problems})
		if !accepted || slices.ContainsFunc(problems, func(p Problem) bool { return p.kind != meaning }) {
			return
		}
		check(spec(file)) // the engine gets it: it must not panic
		value, err := asJSON(data)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		again, problems := decodedBy(forms, encoded)
		if slices.ContainsFunc(problems, func(p Problem) bool { return p.kind != meaning }) {
			t.Fatalf("as JSON it is refused:\n%s\n%s", encoded, lines(problems))
		}
		if a, b := canonical(t, file), canonical(t, again); a != b && bytes.IndexByte(data, '\r') < 0 {
			t.Errorf("as JSON it means something else:\n%s", cmp.Diff(a, b))
		}
	})
}

// canonical writes a decoded file, without the spelling of numbers, which JSON
// may change.
func canonical(t *testing.T, f *File) string {
	t.Helper()
	var b strings.Builder
	write(&b, reflect.ValueOf(f).Elem())
	return b.String()
}

// write writes what settings stand for; mappings in the order of their keys.
func write(b *strings.Builder, v reflect.Value) {
	switch x := v.Interface().(type) {
	case Value:
		b.WriteString(x.written)
		return
	case Loose:
		b.WriteString("loose")
		return
	case Secret:
		if x.value != nil {
			b.WriteString(x.value.written)
		}
		return
	case Scalar:
		if _, ok := x.Value.(json.Number); ok {
			b.WriteString("number")
			return
		}
		out, _ := json.Marshal(x.Value)
		b.Write(out)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		b.WriteString("{")
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				b.WriteString(v.Type().Field(i).Name + ": ")
				write(b, v.Field(i))
				b.WriteString(" ")
			}
		}
		b.WriteString("}")
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			var one strings.Builder
			write(&one, v.Index(i))
			parts = append(parts, one.String())
		}
		if _, ok := reflect.TypeAssert[interface{ mapping() }](v); ok {
			slices.Sort(parts)
		}
		b.WriteString("[" + strings.Join(parts, ", ") + "]")
	case reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		write(b, v.Elem())
	default:
		out, _ := json.Marshal(v.Interface())
		b.Write(out)
	}
}
