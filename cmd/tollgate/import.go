package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
)

func newImport(t *terminal) *cobra.Command {
	c := &cobra.Command{Use: "import", Short: "turn files of another gateway into a configuration"}
	c.AddCommand(newImportTyk(t))
	for _, sub := range c.Commands() {
		askedRightly(sub)
	}
	return c
}

func newImportTyk(t *terminal) *cobra.Command {
	var output, write, paths string
	c := &cobra.Command{
		Use:   "tyk DIR",
		Short: "turn Tyk's API definitions and policies into a configuration",
		Long: `Read the API definitions (Classic and OAS), policies and tyk.conf in and below a
folder, and write one native file that decides the same. What it cannot keep is
told on standard error, or with -o json as a list, each with its field and the
reason. Files can also be used as they are: name them under include.

The native file has the secrets that the definitions have: keep it as they were
kept. References (env://, file://, vault://, consul://) stay references.

Exit status 0: written; 1: a file is wrong, and nothing is written.`,
		Args: cobra.ExactArgs(1),
	}
	outputFlag(c, &output)
	c.Flags().StringVarP(&write, "write", "w", "", "write the native file here; standard output when it is empty")
	c.Flags().StringVar(&paths, "paths", "prefix_suffix", "how patterns of paths are read without a tyk.conf: prefix_suffix or legacy")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		if paths != "prefix_suffix" && paths != "legacy" {
			return usage("--paths %q: use prefix_suffix or legacy", paths)
		}
		if output == "json" && write == "" {
			return usage("-o json needs --write FILE for the native file")
		}
		files, err := tykFiles(args[0])
		if err != nil {
			return &exit{code: exitUsage, cause: err}
		}
		loaded := tyk.Load(files, tyk.Options{LegacyPaths: paths == "legacy", Resolve: keepReference})
		return t.imported(loaded, output, write)
	}
	return c
}

// keepReference stands in for what a reference gives: it is written, not read.
func keepReference(string) ([]byte, error) {
	return []byte(strings.Repeat("-", 64)), nil
}

// imported writes the native file and tells what it could not keep.
func (t *terminal) imported(loaded *tyk.Loaded, output, write string) error {
	if slices.ContainsFunc(loaded.Findings, func(f tyk.Finding) bool { return f.Error }) {
		if err := t.report(loaded, output); err != nil {
			return err
		}
		return &exit{code: exitFail}
	}
	native, err := loaded.Native()
	switch {
	case err != nil:
	case write == "":
		_, err = t.out.Write(native)
	default:
		err = os.WriteFile(write, native, 0o600)
	}
	if err != nil {
		return err
	}
	return t.report(loaded, output)
}

func (t *terminal) report(loaded *tyk.Loaded, output string) error {
	if output == "json" {
		encoder := json.NewEncoder(t.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		findings := loaded.Findings
		if findings == nil {
			findings = []tyk.Finding{}
		}
		return encoder.Encode(struct {
			APIs     int           `json:"apis"`
			Policies int           `json:"policies"`
			Report   []tyk.Finding `json:"report"`
		}{len(loaded.APIs), len(loaded.Policies), findings})
	}
	for _, f := range loaded.Findings {
		fmt.Fprintln(t.err, f)
	}
	fmt.Fprintf(t.err, "%s, %s, %s to read\n", counted(len(loaded.APIs), "definition", "definitions"),
		counted(len(loaded.Policies), "policy", "policies"), count(len(loaded.Findings), "message"))
	return nil
}

// tykFiles reads the files in and below a folder.
func tykFiles(dir string) ([]config.ForeignFile, error) {
	var out []config.ForeignFile
	const largest = 16 << 20
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(e.Name(), ".") && path != dir
		switch {
		case e.IsDir() && hidden:
			return filepath.SkipDir
		case e.IsDir(), hidden, !slices.Contains([]string{".json", ".conf"}, filepath.Ext(path)):
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Size() > largest {
			return fmt.Errorf("%s is larger than 16 MiB: split it", path)
		}
		data, err := os.ReadFile(path) //nolint:gosec // the directory is the operator's own
		out = append(out, config.ForeignFile{Path: path, Data: data})
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: no *.json and no tyk.conf in it", dir)
	}
	return out, err
}
