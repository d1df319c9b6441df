package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

func newDemo(t *terminal) *cobra.Command {
	var envoy string
	var without, once bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "see it work: an issuer, an upstream, the gate and a real Envoy on loopback",
		Long: `Start a toy issuer, an echo upstream, the gate and a real Envoy in front of it,
all on loopback, and take a tour: every answer is checked. Then it stays up, with
curl lines to paste.

The Envoy is --envoy, else TOLLGATE_ENVOY, else one on PATH, else .tools/envoy.
Exit status 0: every answer was as expected; 1: one was not; 2: no Envoy.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			options := demo.Options{Once: once, Out: t.out, Gate: gateOfDemo(t), Bootstrap: bootstrap}
			if !without {
				path, err := demo.FindEnvoy(envoy)
				if err != nil {
					return &exit{code: exitUsage, cause: err}
				}
				options.Envoy = path
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			err := demo.Run(ctx, options)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				return nil // it was asked to end
			}
			return err
		},
	}
	c.Flags().StringVar(&envoy, "envoy", "", "path of the Envoy to run")
	c.Flags().BoolVar(&without, "no-envoy", false, "let a stand-in ask the gate instead of Envoy")
	c.Flags().BoolVar(&once, "once", false, "end after the tour")
	c.AddCommand(newDemoUpstream(t))
	return c
}

// newDemoUpstream is the echo upstream alone, for docker-compose.yml.
func newDemoUpstream(t *terminal) *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use:   "upstream",
		Short: "the echo upstream alone",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			listener, err := demo.Listen(ctx, listen)
			if err != nil {
				return err
			}
			site := demo.Serve(listener, demo.Upstream())
			fmt.Fprintf(t.out, "listening upstream %s\nready\n", site.Address)
			select {
			case <-ctx.Done():
			case <-site.Done():
				return errors.New("the upstream has ended")
			}
			return site.Close()
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "where it listens")
	return c
}
