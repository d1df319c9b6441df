package config

import (
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix is how the variables of tollgate begin (contract section 1).
const envPrefix = "TOLLGATE_"

// Setting is a scalar of the file that a variable and a flag can set: one that
// is in no list. Flag over environment over file.
type Setting struct {
	Env     string // TOLLGATE_LOG_LEVEL
	Flag    string // log-level
	Path    string // log.level
	Default string
	Doc     string

	keys  []string
	chain []*field // from the root to the place
}

// Settings lists what variables and flags can set, in the order of the file.
func Settings() []Setting {
	docs := comments()
	out := settings(describe[File](), nil)
	for i := range out {
		last := out[i].chain[len(out[i].chain)-1]
		out[i].Doc, out[i].Default = docs[last.owner+"."+last.goName], last.shown
	}
	return out
}

// settings walks the scalars below f. An object that a scalar may stand for
// comes before its own keys, so that these win.
func settings(f *form, chain []*field) []Setting {
	var out []Setting
	for _, fd := range f.fields {
		if fd.noEnv {
			continue
		}
		below := append(slices.Clip(chain), fd)
		switch fd.form.kind {
		case kindList, kindMap, kindAllow:
		case kindObject:
			if fd.form.hasShort() {
				out = append(out, setting(below))
			}
			out = append(out, settings(fd.form, below)...)
		default:
			out = append(out, setting(below))
		}
	}
	return out
}

func setting(chain []*field) Setting {
	keys := make([]string, len(chain))
	for i, fd := range chain {
		keys[i] = fd.key
	}
	joined := strings.Join(keys, "_")
	return Setting{
		Env: envPrefix + strings.ToUpper(joined), Flag: strings.ReplaceAll(joined, "_", "-"),
		Path: strings.Join(keys, "."), keys: keys, chain: chain,
	}
}

// override sets what variables and flags say over what the file says.
func (l *load) override(f *File) {
	for _, s := range settings(l.forms.file, nil) {
		source, text, ok := l.given(s)
		if !ok {
			continue
		}
		last := s.chain[len(s.chain)-1].form
		d := &decoder{doc: &document{name: source, order: afterFiles}, forms: l.forms}
		n := scalarNode(text, last)
		at := (*trail)(nil)
		into := reflect.ValueOf(f).Elem()
		for _, fd := range s.chain {
			at = at.in(fd.key)
			if d.missing(fd, n) {
				d.problem(meaning, spot{n, at}, s.Path+notAvailable, "unset it")
			}
			into = d.settable(into).Field(fd.index)
			d.fresh(into, fd.form)
		}
		d.overwrite(n, last, into, at)
		l.origins.overrides[at.pointer()] = source
		if s.keys[0] == "store" && len(s.keys) == 1 || slices.Equal(s.keys, []string{"store", "url"}) {
			f.Store.base = "."
			l.origins.overrides["/store/url"] = source
		}
		l.problems = append(l.problems, d.problems...)
		l.refs = append(l.refs, d.refs...)
	}
}

// given finds what a flag, or else a variable, says.
func (l *load) given(s Setting) (source, text string, ok bool) {
	if text, ok = l.Flags[s.Flag]; ok {
		return "--" + s.Flag, text, true
	}
	text, ok = l.Env(s.Env)
	return s.Env, text, ok
}

// settable follows a pointer that is set.
func (d *decoder) settable(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// fresh makes an optional object that the file does not have.
func (d *decoder) fresh(into reflect.Value, f *form) {
	if into.Kind() == reflect.Pointer && into.IsNil() && f.kind == kindObject {
		into.Set(reflect.New(into.Type().Elem()))
		d.absent(f, into.Elem(), nil)
	}
}

// overwrite decodes a scalar over what is there; over an object only the fields
// that a scalar stands for.
func (d *decoder) overwrite(n *yaml.Node, f *form, into reflect.Value, at *trail) {
	if f.kind != kindObject {
		d.decode(n, f, into, at)
		return
	}
	before := len(d.problems)
	for _, fd := range f.fields {
		if fd.short && len(d.problems) == before {
			d.decode(n, fd.form, into.Field(fd.index), at)
		}
	}
}

// scalarNode gives text the type that the file would give it.
func scalarNode(text string, f *form) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	_, number := decimal(text)
	switch {
	case f.kind == kindBoolean && (text == "true" || text == "false"):
		n.Tag = "!!bool"
	case (f.kind == kindInteger || f.kind == kindNumber) && number:
		n.Tag = "!!float"
	}
	return n
}
