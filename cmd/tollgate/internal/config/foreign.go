package config

import (
	"context"
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// Foreign turns Tyk files into native specifications. It gets all of them at
// once, since they speak of each other.
type Foreign func(in ForeignInput) ForeignResult

// ForeignInput is what there is to read.
type ForeignInput struct {
	Settings Tyk
	Files    []ForeignFile
	// Resolve gives what a reference (env://, file://, vault://, consul://) stands
	// for; paths are relative to the main file. The error never has the value.
	Resolve func(reference string) ([]byte, error)
}

// ForeignFile is one file that include names and that has the shape of a file of
// Tyk: a definition, policies or tyk.conf.
type ForeignFile struct {
	Path string
	Data []byte
	Root *yaml.Node // what Data says, where that was read already
}

// ForeignResult is what Tyk files say.
type ForeignResult struct {
	APIs     []authz.APISpec
	Policies []policies.Spec
	// Problems are what could not be kept, and what is wrong, at their positions.
	Problems []Problem
	// Locate gives the position of what Compile finds in the nth API or policy
	// ("apis" or "policies") of this result at a pointer inside it.
	Locate func(section string, nth int, pointer string) Problem
}

// readForeign reads the Tyk files, or refuses them.
func (l *load) readForeign(ctx context.Context, f *File, files []*document, c *Config) {
	if len(files) == 0 {
		return
	}
	if l.Foreign == nil {
		for _, d := range files {
			l.problems = append(l.problems, Problem{
				File: d.name, order: d.order, Line: 1, Column: 1, What: "this is a file of Tyk, which" + notAvailable,
				Instead: "leave it out of include",
			})
		}
		return
	}
	list := make([]ForeignFile, len(files))
	for i, d := range files {
		list[i] = ForeignFile{Path: d.name, Data: d.data, Root: d.root}
	}
	result := l.Foreign(ForeignInput{Settings: f.Tyk, Files: list, Resolve: l.resolve(ctx, &c.Inputs)})
	l.problems = append(l.problems, result.Problems...)
	for i := range result.APIs {
		l.origins.apis = append(l.origins.apis, origin{elsewhere: func(p string) Problem { return result.Locate("apis", i, p) }})
	}
	for i := range result.Policies {
		l.origins.policies = append(l.origins.policies, origin{elsewhere: func(p string) Problem { return result.Locate("policies", i, p) }})
	}
	c.Spec.APIs = append(c.Spec.APIs, result.APIs...)
	c.Spec.Policies = append(c.Spec.Policies, result.Policies...)
	if f.Tyk.Merge == "tyk" {
		c.Spec.Merge = policies.MergeTyk
	}
}

// resolve resolves the references of Tyk files one by one, and remembers them: for
// following what they name, and so that no message shows what stands behind them.
func (l *load) resolve(ctx context.Context, inputs *Inputs) func(string) ([]byte, error) {
	by := l.values.resolvers(&l.source)
	return func(written string) ([]byte, error) {
		r := &reference{scheme: schemeOf(written), written: written}
		if r.scheme == "" {
			return nil, errors.New("is no reference")
		}
		r.target = written[len(r.scheme):]
		if r.scheme == schemeFile {
			r.target = within(l.origins.main.dir(), r.target)
			inputs.Values = append(inputs.Values, r.target)
		}
		if problems := resolveAll(ctx, []*reference{r}, by); len(problems) > 0 {
			return nil, errors.New(problems[0].What)
		}
		l.refs = append(l.refs, r)
		return r.value, nil
	}
}
