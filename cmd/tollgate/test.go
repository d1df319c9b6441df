package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/cases"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
)

func newTest(t *terminal) *cobra.Command {
	var output string
	var surfaces []string
	c := &cobra.Command{
		Use:   "test DIR…",
		Short: "prove a configuration by case files",
		Long: `Run the case files (*.case.yaml) in and below folders: requests with tokens that
are minted on the fly, at a fixed time, and what has to come of them. See
docs/cases.md for the format, or "tollgate schema cases".

--surface engine asks the engine; grpc asks a server on loopback, as Envoy would;
check asks "tollgate check"; explain asks the admin API, and server asks it through
"tollgate check --server"; all asks each of them.

Exit status 0: all came true; 1: something came otherwise, with the difference.`,
		Args: cobra.MinimumNArgs(1),
	}
	outputFlag(c, &output)
	c.Flags().StringSliceVar(&surfaces, "surface", []string{"engine"}, "whom to ask: engine, grpc, check, explain, server or all")
	c.RunE = func(c *cobra.Command, args []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		runner := &cases.Runner{}
		for _, surface := range t.surfaces() {
			if slices.Contains(surfaces, surface.Name()) || slices.Contains(surfaces, "all") {
				runner.Surfaces = append(runner.Surfaces, surface)
			}
		}
		if len(runner.Surfaces) == 0 {
			return usage("unknown surface in %q: use engine, grpc, check, explain, server or all", surfaces)
		}
		files, err := cases.Find(args...)
		if err != nil {
			return &exit{code: exitUsage, cause: err}
		}
		var results []cases.Result
		for _, file := range files {
			results = append(results, runner.Run(c.Context(), file)...)
		}
		tell := cases.Tell
		if output == "json" {
			tell = cases.TellJSON
		}
		well, err := tell(t.out, results)
		if err == nil && !well {
			err = &exit{code: exitFail}
		}
		return err
	}
	return c
}

// surfaces are all ways to ask for a decision.
func (t *terminal) surfaces() []cases.Surface {
	parts := cases.Parts{Foreign: tyk.Foreign}
	check := func(ctx context.Context, p *cases.Program) int {
		given := func(name string) (string, bool) { // case files say everything
			value, ok := p.Variables[name]
			return value, ok
		}
		return run(ctx, &terminal{in: t.in, out: p.Out, err: p.Errs, getenv: given, now: t.now}, p.Args)
	}
	return []cases.Surface{
		cases.Direct(parts), cases.Wire(parts), cases.Command(check), cases.Explained(parts), cases.Remote(parts, check),
	}
}
