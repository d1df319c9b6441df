package config

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Loader reads one configuration, again and again. Its exported fields are not
// changed after the first Load.
type Loader struct {
	Path  string                           // the main file
	Env   func(name string) (string, bool) // nil: os.LookupEnv
	Flags map[string]string                // settings, by Setting.Flag
	// Check tells what is wrong with the meaning of a Spec, without the network.
	// nil: only what this package knows is checked.
	Check func(authz.Spec) []authz.Problem
	// Foreign reads the Tyk files that include names. nil: they are refused.
	Foreign Foreign
	Now     func() time.Time // nil: time.Now

	once   sync.Once
	values *values
	after  func(path string) // told after each reading of a file; for tests
}

// Config is a configuration that was read. It is not changed any more.
type Config struct {
	// File are the settings, with references resolved. Its APIs and policies are
	// in Spec.
	File
	// Spec is what the engine compiles.
	Spec authz.Spec
	// Hash is the fingerprint of the files, the same on all replicas that read the
	// same.
	Hash   string
	Inputs Inputs
}

// String names the configuration. Its Spec has the values of references, which
// are not for showing.
func (c *Config) String() string { return "configuration " + c.Hash }

// Format makes every verb print String.
func (c *Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// MarshalJSON gives the settings, with references as they are written.
func (c *Config) MarshalJSON() ([]byte, error) { return json.Marshal(&c.File) }

// Inputs are the files that a configuration depends on.
type Inputs struct {
	Main     string
	Patterns []string // of include, below the directory of Main
	Included []string // fragments and Tyk files
	Values   []string // files that file:// names

	read digests // of the files, as they were read
}

// Load reads, resolves and checks everything and reports all problems at once.
// With a problem that is no warning the Config must not be used.
func (l *Loader) Load(ctx context.Context) (*Config, []Problem) {
	return l.load(ctx, func(c *Config, _ bool) []authz.Problem {
		if l.Check == nil {
			return nil
		}
		return l.Check(c.Spec)
	})
}

// Load reads the configuration at path, see Loader.
func Load(ctx context.Context, path string, check func(authz.Spec) []authz.Problem) (*Config, []Problem) {
	l := Loader{Path: path, Check: check}
	return l.Load(ctx)
}

// judge says what is wrong with the meaning of a configuration. broken tells that
// it cannot be used anyway.
type judge func(c *Config, broken bool) []authz.Problem

// load is Load with another judge.
func (l *Loader) load(ctx context.Context, judge judge) (*Config, []Problem) {
	l.once.Do(l.prepare)
	const attempts = 3 // while files change as they are read
	for attempt := 1; ; attempt++ {
		one := newLoad(l)
		c, ok := one.read(ctx)
		c.Inputs.read = one.source.read
		if path, changed := one.source.changed(); changed {
			if attempt < attempts {
				continue
			}
			return c, []Problem{{
				File: path, What: "the file changes while it is read",
				Instead: "write another file and rename it to this one", retry: true,
			}}
		}
		if ok {
			found := judge(c, Broken(one.problems))
			one.problems = append(one.problems, one.origins.place(one.hide(found), one.problems)...)
		}
		return c, inOrder(one.problems)
	}
}

func (l *Loader) prepare() {
	if l.Env == nil {
		l.Env = os.LookupEnv
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	l.values = &values{env: l.Env, now: l.Now}
}
