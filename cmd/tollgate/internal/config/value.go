package config

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// scheme is how a reference begins.
type scheme string

// The schemes of references (contract section 3, Values).
const (
	schemeEnv    scheme = "env://"
	schemeFile   scheme = "file://"
	schemeBase64 scheme = "base64:"
	schemeVault  scheme = "vault://"
	schemeConsul scheme = "consul://"
)

// schemeOf gives the scheme of a reference, "" for plain text.
func schemeOf(written string) scheme {
	for _, s := range []scheme{schemeEnv, schemeFile, schemeBase64, schemeVault, schemeConsul} {
		if strings.HasPrefix(written, string(s)) {
			return s
		}
	}
	return ""
}

// reference is one place of the file that stands for something elsewhere.
type reference struct {
	scheme  scheme
	target  string // behind the scheme; a path is made relative to the file
	written string
	place   Problem // where it stands; What and Instead are filled in
	value   []byte  // what it stands for, once resolved
}

// reference notes that a value has to be resolved, nil for plain text. A secret
// that stands in the file itself is worth a warning.
func (d *decoder) reference(n *yaml.Node, f *form, at *trail) *reference {
	s := schemeOf(n.Value)
	if f.kind == kindSecret && (s == "" || s == schemeBase64) && n.Value != "" && d.doc.data != nil {
		d.problem(meaning, spot{n, at}, at.name()+" is a secret and stands in the file", "write env://NAME, file://PATH, vault://PATH#FIELD or consul://KEY")
		d.problems[len(d.problems)-1].Warning = true
	}
	if s == "" {
		return nil
	}
	r := &reference{scheme: s, target: n.Value[len(s):], written: n.Value}
	r.place = Problem{File: d.doc.name, order: d.doc.order, Line: n.Line, Column: n.Column, At: at.pointer()}
	if s == schemeFile {
		r.target = within(d.doc.dir(), r.target)
	}
	d.refs = append(d.refs, r)
	return r
}

// resolver gives what stands behind the target of a reference.
type resolver func(ctx context.Context, target string) ([]byte, error)

// transient marks errors that may go away while no file changes.
type transient struct{ error }

// Unwrap gives the error itself.
func (t transient) Unwrap() error { return t.error }

// resolveAll resolves all references in parallel, equal ones once, and reports
// those that cannot be. The values are in the references afterwards.
func resolveAll(ctx context.Context, refs []*reference, by map[scheme]resolver) []Problem {
	const (
		deadline = 10 * time.Second
		atOnce   = 16
	)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	type outcome struct {
		value []byte
		err   error
	}
	outcomes := map[string]*outcome{}
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for _, r := range refs {
		key := string(r.scheme) + r.target
		if outcomes[key] != nil {
			continue
		}
		o := &outcome{}
		outcomes[key] = o
		running.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			o.value, o.err = by[r.scheme](ctx, r.target)
			if o.err == nil && len(o.value) == 0 {
				o.err = errors.New("is empty")
			}
		})
	}
	running.Wait()
	var problems []Problem
	for _, r := range refs {
		o := outcomes[string(r.scheme)+r.target]
		if o.err == nil {
			r.value = o.value
			continue
		}
		problems = append(problems, r.unresolved(o.err))
	}
	return problems
}

// unresolved says what is wrong with a reference: the place, never the value.
func (r *reference) unresolved(err error) Problem {
	p := r.place
	p.What = r.shown() + " " + err.Error()
	switch r.scheme {
	case schemeEnv:
		p.Instead = "set the variable, or name another"
	case schemeFile:
		p.Instead = "give the path of a file that can be read"
	case schemeBase64:
		p.Instead = "write base64: and then standard or URL base64"
	case schemeVault:
		p.Instead = "check the path, the field and the VAULT_… variables"
	case schemeConsul:
		p.Instead = "check the key and the CONSUL_… variables"
	}
	_, p.retry = errors.AsType[transient](err)
	return p
}

// shown is how messages name a reference.
func (r *reference) shown() string {
	if r.scheme == schemeBase64 { // what stands behind it is the value
		return string(schemeBase64) + "…"
	}
	return r.written
}
