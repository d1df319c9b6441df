package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/load"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	plan load.Plan
	mix  mixFlags

	address      string
	transport    transportFlags
	pid          int
	inProcess    bool
	againstEmpty bool
	rounds       int
	output       string
}

func newBench(t *terminal) *cobra.Command {
	flags := &benchFlags{}
	c := &cobra.Command{
		Use:   "bench",
		Short: "measure checks: rate, latency, processor time",
		Long: `Ask checks and validate every answer: so many a second, how long each took, and
what processor time each cost the service.

Without --address it starts a service of its own on loopback, as another process,
with keys and a configuration made for the run. --in-process asks the engine alone,
without gRPC. With --address it asks a running service; give the signing key of
tokens that it takes, and --pid for processor time. --tls or --ca reach one that
speaks TLS, with --client-cert where it wants a certificate.

--rate 0 is a closed loop: as many as are answered. With --rate checks are due at
even times, and latency counts from then (open loop). --against-empty measures an
empty grpc-go server in turn, in the same run, and prints the ratios.

Exit status 1 when a check failed or was answered wrongly.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if flags.output != "" && flags.output != "json" {
				return unknownOutput(flags.output)
			}
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return flags.run(ctx, t)
		},
	}
	outputFlag(c, &flags.output)
	set := c.Flags()
	set.StringVar(&flags.address, "address", "", "a running service: host:port or unix:///path")
	flags.transport.add(set)
	set.IntVar(&flags.pid, "pid", 0, "the process of that service, for its processor time")
	set.BoolVar(&flags.inProcess, "in-process", false, "ask the engine in this process, without gRPC")
	set.BoolVar(&flags.againstEmpty, "against-empty", false, "measure an empty grpc-go server in turn")
	set.IntVar(&flags.rounds, "rounds", 5, "rounds of --against-empty")
	set.IntVar(&flags.plan.Connections, "connections", 2, "connections")
	set.IntVar(&flags.plan.InFlight, "in-flight", 64, "checks at once, over all connections")
	set.Float64Var(&flags.plan.Rate, "rate", 0, "checks a second; 0: as many as are answered")
	set.DurationVar(&flags.plan.Duration, "duration", 10*time.Second, "how long, all rounds together")
	set.DurationVar(&flags.plan.Warmup, "warmup", time.Second, "how long before it counts, each time")
	set.Int64Var(&flags.plan.Requests, "requests", 0, "at most so many checks a run; 0: no bound but time")
	flags.mix.add(set)
	c.AddCommand(newBenchEmpty(t))
	return c
}

// newBenchEmpty is the empty server as a process of its own.
func newBenchEmpty(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:    "empty-server",
		Short:  "an empty grpc-go server that allows everything",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			fmt.Fprintf(t.out, "listening check %s\nready\n", listener.Addr())
			return load.ServeEmpty(ctx, listener)
		},
	}
}

func (f *benchFlags) run(ctx context.Context, t *terminal) error {
	if f.inProcess && (f.address != "" || f.againstEmpty) {
		return usage("--in-process goes with neither --address nor --against-empty")
	}
	if f.address == "" && f.transport.given() {
		return usage("--tls, --ca and the flags of a certificate go with --address")
	}
	dir, err := os.MkdirTemp("", "tollgate-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // left-overs of a temporary folder
	bench := &bench{flags: f, dir: dir, now: t.now}
	defer bench.close()
	target, mix, err := bench.own(ctx)
	if err != nil {
		return err
	}
	if !f.againstEmpty {
		result, err := load.Drive(ctx, target, mix, f.plan)
		if err != nil {
			return err
		}
		return f.tell(t, result.Clean(), result, func() error { return load.Tell(t.out, result) })
	}
	empty, err := bench.start(ctx, "empty", "bench", "empty-server")
	if err != nil {
		return err
	}
	c, err := load.Compare(ctx, target, empty, load.Rounds{Mix: mix, Plan: f.plan, Count: f.rounds})
	if err != nil {
		return err
	}
	return f.tell(t, c.Clean(), c, func() error { return load.TellComparison(t.out, c) })
}

// tell prints what was measured, for people by print.
func (f *benchFlags) tell(t *terminal, clean bool, result any, print func() error) error {
	if f.output == "json" {
		encoder := json.NewEncoder(t.out)
		encoder.SetIndent("", "  ")
		print = func() error { return encoder.Encode(result) }
	}
	if err := print(); err != nil {
		return err
	}
	if !clean {
		return &exit{code: exitFail}
	}
	return nil
}
