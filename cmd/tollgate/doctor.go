package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/doctor"
)

func newDoctor(t *terminal) *cobra.Command {
	var output string
	var services serviceFlags
	c := &cobra.Command{
		Use:   "doctor [http://ENVOY-ADMIN|DUMP|FILE] [--server URL…] [--check ADDRESS]",
		Short: "find known mistakes of a running set-up and of the Envoy in front",
		Long: `Read what an Envoy is configured to do and find known mistakes: from its admin
interface (http://127.0.0.1:9901), from a file with what /config_dump answered, or
from a configuration file. With --config its routes are compared with the APIs.

--server looks at a running tollgate: at what its metrics listener tells, or its
admin listener with TOLLGATE_ADMIN_SECRET. Give one for each replica. --check asks
listen.check as a front would, without a token. With --config both are compared
with the file.

Exit status 0: no problem (there may be warnings and advice); 1: a problem; 2:
asked wrongly. docs/doctor.md lists what is looked at.`,
		Args: cobra.MaximumNArgs(1),
	}
	outputFlag(c, &output)
	services.add(c)
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		if len(args) == 0 && !services.given() {
			return usage("of what? give a front (http://127.0.0.1:9901, a dump or a file), --server or --check")
		}
		var found []doctor.Finding
		var apis []doctor.API
		hash := ""
		if c.Flags().Changed("config") {
			loaded, err := readConfig(c.Context(), t, file)
			if err != nil {
				return err
			}
			apis, hash = apisOf(loaded), loaded.Hash
		}
		if len(args) > 0 {
			front, err := doctor.Read(c.Context(), args[0])
			if err != nil {
				return &exit{code: exitUsage, cause: err}
			}
			found = front.Examine(apis)
		}
		more, err := services.examine(c.Context(), t, hash, apis)
		if err != nil {
			return err
		}
		return tellFindings(t.out, output, append(found, more...))
	}
	return c
}

// apisOf gives the active APIs of the configuration.
func apisOf(loaded *config.Config) []doctor.API {
	apis := []doctor.API{}
	for i := range loaded.Spec.APIs {
		spec := &loaded.Spec.APIs[i]
		if spec.Inactive {
			continue
		}
		api := doctor.API{ID: spec.ID}
		for _, match := range spec.Match {
			api.Match = append(api.Match, doctor.Match{Host: match.Host, Path: match.Path})
		}
		apis = append(apis, api)
	}
	return apis
}

func tellFindings(out io.Writer, output string, findings []doctor.Finding) error {
	problems := 0
	var text strings.Builder
	for _, f := range findings {
		if f.Weight == doctor.Problem {
			problems++
		}
		fmt.Fprintf(&text, "%s: %s: %s (%s)\n  %s\n", f.Weight, f.Where, f.What, f.Rule, f.Instead)
	}
	if len(findings) == 0 {
		text.WriteString("nothing found\n")
	}
	var err error
	if output == "json" {
		if findings == nil {
			findings = []doctor.Finding{}
		}
		encoder := json.NewEncoder(out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(findings)
	} else {
		_, err = io.WriteString(out, text.String())
	}
	if err == nil && problems > 0 {
		err = &exit{code: exitFail}
	}
	return err
}
