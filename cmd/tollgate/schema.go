package main

import (
	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

func newSchema(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "schema [config|cases]",
		Short: "print the JSON Schema of a file format",
		Long: `Print the JSON Schema (2020-12) of the configuration file, or of case files. An
editor that knows YAML uses it after this first line of a file:

  # yaml-language-server: $schema=tollgate.schema.json`,
		ValidArgs: []string{"config", "cases"},
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		RunE: func(_ *cobra.Command, args []string) error {
			schema := config.Schema()
			if len(args) == 1 && args[0] == "cases" {
				var err error
				if schema, err = cases.Schema(); err != nil {
					return err
				}
			}
			_, err := t.out.Write(schema)
			return err
		},
	}
}
