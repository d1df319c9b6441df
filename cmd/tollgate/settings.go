package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
)

// ofFile marks the flags that stand over a setting of the file: their variables
// are read with the file, which knows the place of every mistake.
const ofFile = "setting"

// fileSettings are config.Settings, which reads its own sources for them: once, and
// not once for every command that there is.
var fileSettings = sync.OnceValue(config.Settings)

// fileFlags are --config and one flag for every setting that is in no list.
type fileFlags struct {
	path  string
	flags *pflag.FlagSet
}

func addFileFlags(c *cobra.Command) *fileFlags {
	f := &fileFlags{flags: c.Flags()}
	f.flags.StringVarP(&f.path, "config", "c", "tollgate.yaml", "the configuration file")
	for _, setting := range fileSettings() {
		f.flags.String(setting.Flag, "", fmt.Sprintf("%s of the file", setting.Path))
		flag := f.flags.Lookup(setting.Flag)
		flag.Annotations = map[string][]string{ofFile: {setting.Path}}
		flag.Hidden = true // 60 of them would hide the others; the reference lists them
	}
	return f
}

// loader reads the file with the flags over it.
func (f *fileFlags) loader(t *terminal, check func(authz.Spec) []authz.Problem) *config.Loader {
	given := map[string]string{}
	f.flags.Visit(func(flag *pflag.Flag) {
		if flag.Annotations[ofFile] != nil {
			given[flag.Name] = flag.Value.String()
		}
	})
	return &config.Loader{Path: f.path, Env: t.getenv, Flags: given, Check: check, Foreign: tyk.Foreign, Now: t.now}
}

// tell prints problems, one a line, and says how many there are.
func tell(w io.Writer, problems []config.Problem) {
	wrong, warnings := 0, 0
	for _, problem := range problems {
		fmt.Fprintln(w, problem)
		if problem.Warning {
			warnings++
		} else {
			wrong++
		}
	}
	if wrong > 0 {
		fmt.Fprintf(w, "%s, %s\n", count(wrong, "problem"), count(warnings, "warning"))
	}
}

func count(n int, what string) string { return counted(n, what, what+"s") }

// counted is a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
