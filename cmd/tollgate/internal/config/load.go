package config

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// afterFiles is the order of problems with variables and flags.
const afterFiles = 1 << 30

// load is one reading of a configuration.
type load struct {
	*Loader
	forms    *forms
	source   source
	origins  *origins
	problems []Problem
	refs     []*reference
	hash     []byte // of what was read so far
	order    int    // of the next document
}

func newLoad(l *Loader) *load {
	return &load{
		Loader: l, forms: newForms(), source: source{after: l.after},
		origins: &origins{overrides: map[string]string{}},
	}
}

// read reads the main file and everything that it names. Without ok there is
// nothing whose meaning could be judged.
func (l *load) read(ctx context.Context) (c *Config, ok bool) {
	c = &Config{Inputs: Inputs{Main: l.Path}}
	main := l.open(l.Path, Problem{File: l.Path})
	if main == nil {
		return c, false
	}
	l.origins.main = main
	f := &c.File
	f.Store.base = main.dir()
	l.decode(main, l.forms.file, reflect.ValueOf(f).Elem())
	l.override(f)
	l.entries(main, "apis", len(f.APIs))
	l.entries(main, "policies", len(f.Policies))
	foreign := l.include(f, &c.Inputs)
	l.defaultSecret(f, main)
	for _, r := range l.refs {
		if r.scheme == schemeFile {
			c.Inputs.Values = append(c.Inputs.Values, r.target)
		}
	}
	l.problems = append(l.problems, resolveAll(ctx, l.refs, l.values.resolvers(&l.source))...)
	check := checker{origins: l.origins}
	check.check(f)
	for _, p := range check.problems {
		if p.Warning || !follows(p, l.problems) {
			l.problems = append(l.problems, p)
		}
	}
	c.Spec = spec(f)
	l.readForeign(ctx, f, foreign, c)
	c.Hash = hex.EncodeToString(l.hash)[:min(12, 2*len(l.hash))]
	c.Spec.Hash = c.Hash
	f.APIs, f.Policies = nil, nil // they are in Spec now
	return c, true
}

// open reads and parses one file, nil when it has no content to go on with.
func (l *load) open(path string, place Problem) *document {
	data, err := l.source.file(path, maxFile)
	if err != nil {
		place.What, place.Instead = path+" "+err.Error(), "name a file that can be read"
		if place.File == path {
			place.What = "the file " + err.Error()
		}
		l.problems = append(l.problems, place)
		return nil
	}
	d := &document{name: path, order: l.order, data: data}
	l.order++
	sum := sha256.Sum256(append(slices.Clone(l.hash), data...))
	l.hash = sum[:]
	l.problems = append(l.problems, d.parse()...)
	if d.root == nil {
		return nil
	}
	return d
}

// decode fills into from a document.
func (l *load) decode(doc *document, f *form, into reflect.Value) {
	d := &decoder{doc: doc, forms: l.forms}
	d.decode(doc.root, f, into, nil)
	l.problems = append(l.problems, d.problems...)
	l.refs = append(l.refs, d.refs...)
}

// entries remembers where the APIs or policies of a document were written.
func (l *load) entries(d *document, section string, count int) {
	list := child(d.root, section)
	for i := range count {
		at := origin{doc: d, node: list, at: (*trail)(nil).in(section).nth(i).pointer()}
		if i < len(list.Content) {
			at.node = unalias(list.Content[i])
		}
		if section == "apis" {
			l.origins.apis = append(l.origins.apis, at)
		} else {
			l.origins.policies = append(l.origins.policies, at)
		}
	}
}

// include reads the files that include names into f, and gives those of Tyk.
func (l *load) include(f *File, inputs *Inputs) (foreign []*document) {
	for i, pattern := range f.Include {
		place := l.origins.locate((*trail)(nil).in("include").nth(i).pointer())
		paths, err := included(l.origins.main.dir(), string(pattern))
		switch {
		case follows(place, l.problems):
			continue
		case err != nil:
			place.What, place.Instead = "the pattern "+quote(string(pattern))+" "+err.Error(), "write a path, or a pattern such as apis/*.yaml"
			l.problems = append(l.problems, place)
			continue
		case len(paths) == 0:
			place.What, place.Instead, place.Warning = "no file fits "+quote(string(pattern)), "check the path; it is relative to this file", true
			l.problems = append(l.problems, place)
		}
		if pattern != "" {
			inputs.Patterns = append(inputs.Patterns, string(pattern))
		}
		for _, path := range paths {
			if l.isMain(path) {
				place.What, place.Instead = "the pattern "+quote(string(pattern))+" includes this file itself", "write a narrower pattern"
				l.problems = append(l.problems, place)
				continue
			}
			if slices.Contains(inputs.Included, path) {
				continue // two patterns may fit one file
			}
			inputs.Included = append(inputs.Included, path)
			if d := l.fragment(path, place, f); d != nil {
				foreign = append(foreign, d)
			}
		}
	}
	return foreign
}

// fragment reads one included file into f, or gives it back when it is Tyk's.
func (l *load) fragment(path string, place Problem, f *File) *document {
	d := l.open(path, place)
	if d == nil {
		return nil
	}
	if recognise(d.root) == foreign {
		return d
	}
	d.fragment = true
	var part Fragment
	l.decode(d, l.forms.fragment, reflect.ValueOf(&part).Elem())
	l.entries(d, "apis", len(part.APIs))
	l.entries(d, "policies", len(part.Policies))
	f.APIs = append(f.APIs, part.APIs...)
	f.Policies = append(f.Policies, part.Policies...)
	return nil
}

// isMain says whether a path leads to the main file.
func (l *load) isMain(path string) bool {
	if filepath.Clean(path) == filepath.Clean(l.Path) {
		return true
	}
	a, errA := os.Stat(path)
	b, errB := os.Stat(l.Path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// defaultSecret gives the admin API its usual secret where nothing else is said.
func (l *load) defaultSecret(f *File, main *document) {
	a := &f.Admin
	if f.Listen.Admin.IsOff() || !a.Secret.IsZero() || len(a.Tokens) > 0 || len(a.MTLS) > 0 {
		return
	}
	const written = "env://TOLLGATE_ADMIN_SECRET"
	r := &reference{scheme: schemeEnv, target: "TOLLGATE_ADMIN_SECRET", written: written, place: l.origins.locate("/listen/admin")}
	r.place.order = main.order
	a.Secret = Secret{value: &Value{written: written, ref: r}}
	l.refs = append(l.refs, r)
}

// hide takes the values of references out of messages: a message may quote what
// it was given, and what stands behind a reference is not for showing.
func (l *load) hide(found []authz.Problem) []authz.Problem {
	const shortest = 4 // a shorter value hides more of the message than of itself
	for i := range found {
		for _, r := range l.refs {
			if len(r.value) < shortest {
				continue
			}
			if bytes.Contains([]byte(found[i].What), r.value) || bytes.Contains([]byte(found[i].Instead), r.value) {
				found[i].What = strings.ReplaceAll(found[i].What, string(r.value), r.shown())
				found[i].Instead = strings.ReplaceAll(found[i].Instead, string(r.value), r.shown())
			}
		}
	}
	return found
}
