package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/doctor"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

func newDoctor(t *terminal) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "doctor {http://ADMIN|DUMP|FILE}",
		Short: "find known mistakes of the Envoy in front",
		Long: `Read what an Envoy is configured to do and find known mistakes: from its admin
interface (http://127.0.0.1:9901), from a file with what /config_dump answered, or
from a configuration file. With --config its routes are compared with the APIs.

Exit status 0: no problem (there may be warnings and advice); 1: a problem; 2:
asked wrongly. docs/doctor.md lists what is looked at.`,
		Args: cobra.ExactArgs(1),
	}
	outputFlag(c, &output)
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		front, err := doctor.Read(c.Context(), args[0])
		if err != nil {
			return &exit{code: exitUsage, cause: err}
		}
		var apis []doctor.API
		if c.Flags().Changed("config") {
			if apis, err = apisOf(c, t, file); err != nil {
				return err
			}
		}
		return tellFindings(t.out, output, front.Examine(apis))
	}
	return c
}

// apisOf gives the active APIs of the configuration.
func apisOf(c *cobra.Command, t *terminal, file *fileFlags) ([]doctor.API, error) {
	engine := service.Checker(t.now)
	defer engine.Close()
	loaded, problems := file.loader(t, engine.Check).Load(c.Context())
	if config.Broken(problems) {
		tell(t.err, problems)
		return nil, &exit{code: exitUsage}
	}
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
	return apis, nil
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
