package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// terminal is what a command has of the world.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) (string, bool)
	now      func() time.Time
}

// variable is an environment variable, "" when it is not set.
func (t *terminal) variable(name string) string {
	value, _ := t.getenv(name)
	return value
}

// The exit statuses (contract section 2). A command with others says so.
const (
	exitOK    = 0
	exitFail  = 1 // it did not work, or the answer is no
	exitUsage = 2 // it was asked wrongly, or its configuration is broken
)

// exit is an error with an exit status of its own. A nil cause says nothing: the
// command has told already.
type exit struct {
	code  int
	cause error
}

func (e *exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.cause.Error()
}

func (e *exit) Unwrap() error { return e.cause }

// usage is an error of whoever called the command.
func usage(format string, args ...any) error {
	return &exit{code: exitUsage, cause: fmt.Errorf(format, args...)}
}

// run runs one command and gives its exit status.
func run(ctx context.Context, t *terminal, args []string) int {
	root := newRoot(t) //nolint:contextcheck // commands get ctx from ExecuteContext
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	if e, ok := errors.AsType[*exit](err); ok {
		if e.cause != nil {
			fmt.Fprintf(t.err, "tollgate: %v\n", e.cause)
		}
		return e.code
	}
	fmt.Fprintf(t.err, "tollgate: %v\n", err)
	return exitFail
}

func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "tollgate",
		Short: "an authorization service for Envoy: JWTs in, decisions out",
		Long: `tollgate answers Envoy's ext_authz: it verifies the JWT of a request, lets its
claims choose policies, and allows or denies with a reason.

Every flag can be given as an environment variable: --config is TOLLGATE_CONFIG.
A flag wins over the environment.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("unknown command %q: tollgate --help lists the commands", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			return fromEnvironment(c.Flags(), t.getenv)
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w: %s --help lists the flags", err, c.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	root.AddCommand(
		newServe(t),
		newDemo(t),
		newCheck(t),
		newValidate(t),
		newSchema(t),
		newTest(t),
		newImport(t),
		newKeys(t),
		newUsage(t),
		newTokens(t),
		newEnvoy(t),
		newDoctor(t),
		newBench(t),
		newStore(t),
		newMan(t),
		newVersion(t),
		newCompletion(t),
	)
	for _, c := range root.Commands() {
		askedRightly(c)
	}
	return root
}

// askedRightly makes every error about arguments a usage error.
func askedRightly(c *cobra.Command) {
	check := c.Args
	if check == nil {
		check = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			if _, ok := errors.AsType[*exit](err); ok {
				return err
			}
			return usage("%w: %s --help says more", err, c.CommandPath())
		}
		return nil
	}
	for _, below := range c.Commands() {
		askedRightly(below)
	}
}

// environmentName is the variable that a flag can be given by.
func environmentName(flag string) string {
	return "TOLLGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// inPlaceOf names the flags that say otherwise: one that was given outdoes the
// environment for these.
const inPlaceOf = "in-place-of"

// fromEnvironment fills in the flags that were not given.
func fromEnvironment(flags *pflag.FlagSet, getenv func(string) (string, bool)) error {
	outdone := map[string]bool{}
	flags.Visit(func(flag *pflag.Flag) {
		for _, name := range flag.Annotations[inPlaceOf] {
			outdone[name] = true
		}
	})
	var failed error
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || outdone[flag.Name] || flag.Name == "help" || flag.Annotations[ofFile] != nil {
			return
		}
		value, ok := getenv(environmentName(flag.Name))
		if !ok {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			// The value may be a secret: only its variable is named.
			failed = errors.Join(failed, usage("%s does not fit --%s, which wants %s", environmentName(flag.Name), flag.Name, flag.Value.Type()))
		}
	})
	return failed
}

// isTerminal says whether people read w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
