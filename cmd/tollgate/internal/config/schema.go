package config

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:generate go test -run ^TestGenerated$ -update .

// Schema is the JSON Schema (2020-12) of the file. It accepts every file whose
// shape is right, also with parts that this build refuses, and with mistakes
// that only a look at the whole file can find.
func Schema() []byte {
	s := schemer{docs: comments(), features: features(), defs: map[string]any{}}
	root := s.of(describe[File]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Configuration of tollgate"
	root["$defs"] = s.defs
	out, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, lists and texts can be encoded
	}
	return append(out, '\n')
}

// schemer turns forms into schemas; objects are shared under $defs.
type schemer struct {
	docs     map[string]string
	features map[string]bool
	defs     map[string]any
}

// of gives the schema of a form.
func (s *schemer) of(f *form) map[string]any {
	out := s.plain(f)
	if f.null {
		out = anyOf(out, map[string]any{"type": "null"})
	}
	return out
}

// plain is of without null.
func (s *schemer) plain(f *form) map[string]any {
	switch f.kind {
	case kindObject:
		return s.object(f)
	case kindList:
		list := map[string]any{"type": "array", "items": s.of(f.elem)}
		if f.many {
			return anyOf(s.of(f.elem), list)
		}
		return list
	case kindMap:
		return map[string]any{"type": "object", "additionalProperties": s.of(f.elem)}
	case kindAllow:
		return anyOf(map[string]any{"const": "all"}, map[string]any{"type": "array", "items": s.of(f.elem)})
	case kindLoose:
		return map[string]any{"type": []string{"string", "number", "boolean"}}
	case kindScalar:
		return map[string]any{"type": []string{"string", "number", "boolean", "null"}}
	case kindBoolean:
		return map[string]any{"type": "boolean"}
	case kindDuration:
		return map[string]any{"type": "string", "pattern": durationPattern}
	case kindSize:
		number := bounded(map[string]any{"type": "integer", "minimum": 0}, f)
		return anyOf(number, map[string]any{"type": "string", "pattern": sizePattern})
	case kindInteger:
		return bounded(map[string]any{"type": "integer"}, f)
	case kindNumber:
		return bounded(map[string]any{"type": "number"}, f)
	case kindText, kindValue, kindSecret, kindPath, kindPEMPath:
		return bounded(map[string]any{"type": "string"}, f)
	}
	return map[string]any{}
}

// object gives a reference to the schema of an object, which it makes once.
func (s *schemer) object(f *form) map[string]any {
	name := typeName(f)
	if name == "File" {
		return s.keys(f, name)
	}
	if _, ok := s.defs[name]; !ok {
		s.defs[name] = nil // being made
		schema := s.keys(f, name)
		for _, fd := range f.fields {
			if fd.short {
				schema = anyOf(s.of(fd.form), schema)
				break
			}
		}
		if doc := s.docs[name]; doc != "" {
			schema["description"] = doc
		}
		s.defs[name] = schema
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

// keys gives the schema of the keys of an object.
func (s *schemer) keys(f *form, name string) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, fd := range f.fields {
		p := s.of(fd.form)
		if doc := s.description(fd, name); doc != "" {
			p["description"] = doc
		}
		if fd.fallback != nil {
			p["default"] = plainValue(fd.fallback)
		}
		if fd.required {
			required = append(required, fd.key)
		}
		properties[fd.key] = p
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if required != nil {
		out["required"] = required
	}
	return out
}

// description is the comment of a field with what absence means.
func (s *schemer) description(fd *field, owner string) string {
	doc := s.docs[owner+"."+fd.goName]
	if fd.fallback == nil && fd.shown != "" {
		doc = strings.TrimSpace(doc + " Absent: " + fd.shown + ".")
	}
	if fd.feature != "" && !s.features[fd.feature] {
		doc = strings.TrimSpace(doc + " Not available yet.")
	}
	return doc
}

// bounded adds enum, minimum and maximum.
func bounded(schema map[string]any, f *form) map[string]any {
	if len(f.enum) > 0 {
		words := slices.Concat(f.enum, f.later)
		values := make([]any, len(words))
		for i, e := range words {
			values[i] = e
			if n, err := strconv.Atoi(e); err == nil {
				values[i] = n
			}
		}
		schema["enum"] = values
	}
	if f.min != nil {
		schema["minimum"] = *f.min
	}
	if f.max != nil {
		schema["maximum"] = *f.max
	}
	return schema
}

func anyOf(schemas ...map[string]any) map[string]any { return map[string]any{"anyOf": schemas} }

// typeName gives the name of the Go struct of a form.
func typeName(f *form) string {
	if f.null {
		return f.typ.Elem().Name()
	}
	return f.typ.Name()
}

// plainValue gives the value of a default.
func plainValue(n *yaml.Node) any {
	var v any
	if err := n.Decode(&v); err != nil {
		panic(err) // a default of our own was parsed before
	}
	return v
}
