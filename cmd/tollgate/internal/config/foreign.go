package config

import (
	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// Foreign turns Tyk files into native specifications. It gets all of them at
// once, since they speak of each other.
type Foreign func(settings Tyk, files []ForeignFile) ForeignResult

// ForeignFile is one file that include names and that has the shape of a file of
// Tyk: a definition, policies or tyk.conf.
type ForeignFile struct {
	Path string
	Data []byte
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
func (l *load) readForeign(f *File, files []*document, c *Config) {
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
		list[i] = ForeignFile{Path: d.name, Data: d.data}
	}
	result := l.Foreign(f.Tyk, list)
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
