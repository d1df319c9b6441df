package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

func newValidate(t *terminal) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "validate",
		Short: "say everything that is wrong with a configuration",
		Long: `Read a configuration as serve would, without asking any key server, and print
every problem with file, line and column. Exit status 0: it loads (there may be
warnings); 1: it does not.`,
		Args: cobra.NoArgs,
	}
	outputFlag(c, &output)
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		engine := service.Checker(t.now)
		defer engine.Close()
		loaded, problems := file.loader(t, engine.Check).Load(c.Context())
		broken := config.Broken(problems)
		if err := sayValid(t, output, loaded, problems); err != nil {
			return err
		}
		if broken {
			return &exit{code: exitFail}
		}
		return nil
	}
	return c
}

func sayValid(t *terminal, output string, loaded *config.Config, problems []config.Problem) error {
	broken := config.Broken(problems)
	if output == "json" {
		if problems == nil {
			problems = []config.Problem{}
		}
		encoder := json.NewEncoder(t.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Valid    bool             `json:"valid"`
			Problems []config.Problem `json:"problems"`
		}{!broken, problems})
	}
	tell(t.out, problems)
	if broken {
		return nil
	}
	_, err := fmt.Fprintf(t.out, "valid: %s, %s\n", count(len(loaded.Spec.APIs), "API"), counted(len(loaded.Spec.Policies), "policy", "policies"))
	return err
}
