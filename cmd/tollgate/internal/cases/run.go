package cases

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// Suffix is how case files end.
const Suffix = ".case.yaml"

// Runner runs case files on surfaces.
type Runner struct {
	Surfaces []Surface

	keys keyring
}

// Result is what came of one case on one surface.
type Result struct {
	File        string       `json:"file"`
	Line        int          `json:"line,omitempty"`
	Case        string       `json:"case"`
	Surface     string       `json:"surface,omitempty"`
	Unasked     bool         `json:"unasked,omitempty"` // the surface has no way to ask it
	Error       string       `json:"error,omitempty"`   // the case could not be run
	Differences []Difference `json:"differences,omitempty"`
}

// Passed says whether the case was run and came as expected.
func (r *Result) Passed() bool { return !r.Unasked && !r.Failed() }

// Failed says whether something is wrong.
func (r *Result) Failed() bool { return r.Error != "" || len(r.Differences) > 0 }

// Find gives the case files at and below paths, in order. None is an error: a
// misspelt folder must not look like a passed test.
func Find(paths ...string) ([]string, error) {
	var found []string
	for _, path := range paths {
		err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && (strings.HasSuffix(file, Suffix) || file == path) {
				found = append(found, file)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no *%s files in %s", Suffix, strings.Join(paths, ", "))
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// Run runs the cases of one file, each on every surface.
func (r *Runner) Run(ctx context.Context, path string) []Result {
	file, err := Read(path)
	if err != nil {
		return []Result{{File: path, Error: err.Error()}}
	}
	results, err := r.run(ctx, file)
	if err != nil {
		results = append(results, Result{File: path, Error: err.Error()})
	}
	return results
}

func (r *Runner) run(ctx context.Context, file *File) (results []Result, err error) {
	dir, err := os.MkdirTemp("", "tollgate-cases-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	keys, err := r.keys.lend(file.Keys)
	if err != nil {
		return nil, err
	}
	staged, err := newStage(ctx, dir, file, keys)
	defer func() { err = errors.Join(err, staged.close()) }()
	if err != nil {
		return nil, err
	}
	for _, surface := range r.Surfaces {
		session, err := surface.Open(ctx, staged.main)
		if err != nil {
			return results, staged.explain(err)
		}
		if k, ok := session.(keeper); ok {
			if err := k.keep(ctx, file, keys); err != nil {
				return results, errors.Join(err, session.Close())
			}
		}
		for i := range file.Cases {
			one := &file.Cases[i]
			result := Result{File: file.path, Line: one.line, Case: one.Name, Surface: surface.Name()}
			token, err := file.mint(one, keys)
			if err == nil {
				result.Differences, err = file.ask(ctx, session, one, token)
			}
			switch {
			case errors.Is(err, errUnasked):
				result.Unasked = true
			case err != nil:
				result.Error = err.Error()
			}
			results = append(results, result)
		}
		if err := session.Close(); err != nil {
			return results, fmt.Errorf("%s: %w", surface.Name(), err)
		}
	}
	return results, nil
}

// ask asks one case and compares.
func (f *File) ask(ctx context.Context, session Session, one *Case, token string) ([]Difference, error) {
	switch k, ok := session.(keeper); {
	case !ok && f.stored(one):
		return nil, errUnasked
	case ok:
		var err error
		if token, err = k.hold(ctx, f, one, token); err != nil {
			return nil, err
		}
	}
	described, err := f.Request.with(one.Request).described(token)
	if err != nil {
		return nil, err
	}
	question := &Question{HTTP: described, Now: f.moment(one), Charged: f.charges()}
	for range one.Repeat - 1 {
		if _, err := session.Ask(ctx, question); err != nil {
			return nil, err
		}
	}
	question.Explain = one.Expect.Steps != nil
	answer, err := session.Ask(ctx, question)
	if err != nil {
		return nil, err
	}
	d := &differ{want: &one.Expect, got: answer, asked: described}
	return d.all(), nil
}

// charges says whether cases of the file use limits up: then every answer may
// depend on the cases before it.
func (f *File) charges() bool {
	return slices.ContainsFunc(f.Cases, func(one Case) bool { return one.Repeat > 1 })
}

// explain puts the problems of a configuration at the places of the original.
func (s *stage) explain(err error) error {
	found, ok := errors.AsType[misconfigured](err)
	if !ok {
		return err
	}
	problems := Problems{{File: s.origins[s.main].path, What: "the configuration does not load"}}
	for _, p := range found {
		if !p.Warning {
			problems = append(problems, s.problem(p))
		}
	}
	return problems
}

func (s *stage) problem(p config.Problem) Problem {
	moved := Problem{What: p.What, Instead: p.Instead}
	moved.File, moved.Line, moved.Column = s.original(p.File, p.Line, p.Column)
	for staged, from := range s.origins {
		moved.What = strings.ReplaceAll(moved.What, staged, from.path)
	}
	return moved
}
