package config

import (
	"bytes"
	"reflect"
)

// needRestart names the settings that differ between what runs and what the file
// says now, and that a running service cannot change.
func needRestart(running, now *File) []string {
	return differing(describe[File](), reflect.ValueOf(running).Elem(), reflect.ValueOf(now).Elem())
}

func differing(f *form, a, b reflect.Value) []string {
	var out []string
	for _, fd := range f.fields {
		x, y := a.Field(fd.index), b.Field(fd.index)
		switch {
		case fd.restart != "":
			if !same(x, y) {
				out = append(out, fd.restart)
			}
		case fd.form.kind == kindObject && !fd.form.null:
			out = append(out, differing(fd.form, x, y)...)
		}
	}
	return out
}

// same compares settings by what they stand for, not by where they were written.
func same(a, b reflect.Value) bool {
	switch x := a.Interface().(type) {
	case Value:
		y, ok := reflect.TypeAssert[Value](b)
		return ok && x.Text() == y.Text()
	case Secret:
		y, ok := reflect.TypeAssert[Secret](b)
		return ok && bytes.Equal(x.Bytes(), y.Bytes())
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}
