package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	"github.com/tollgate-authz/tollgate/envoy"
)

func newServe(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "answer Envoy",
		Long: `Answer Envoy on listen.check until SIGTERM or SIGINT: then health turns
NOT_SERVING, the last checks are answered, and the exit status is 0. A second
signal ends it at once. SIGHUP reads the configuration again.

It prints one line for each listener with the address really bound, then "ready".`,
		Args: cobra.NoArgs,
	}
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		tuning := envoy.Tune(os.DirFS("/"), t.variable)
		s, err := open(c.Context(), t, service.Options{Loader: file.loader(t, nil)})
		if err != nil {
			return err
		}
		s.Log().InfoContext(c.Context(), "starting", "version", thisBuild().Version, "tuning", tuning)
		return serve(c.Context(), t, s)
	}
	return c
}

// open opens a service and tells what is wrong with its configuration.
func open(ctx context.Context, t *terminal, o service.Options) (*service.Service, error) {
	b := thisBuild()
	o.Log, o.Terminal, o.Now = t.err, isTerminal(t.err), t.now
	o.Build = obs.Build{Version: b.Version, Revision: b.Revision}
	s, problems, err := service.Open(ctx, o)
	if broken, ok := errors.AsType[*service.BrokenError](err); ok {
		tell(t.err, broken.Problems)
		return nil, &exit{code: exitUsage}
	}
	tell(t.err, problems)
	return s, err
}

// serve runs a service until a signal ends it.
func serve(ctx context.Context, t *terminal, s *service.Service) error {
	ending, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// From the first signal on the next one does what it does to every process.
	context.AfterFunc(ending, stop)

	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	go reloadOn(ending, hangup, s)

	for _, bound := range s.Bound() {
		fmt.Fprintf(t.out, "listening %s %s\n", bound.Name, bound.Address)
	}
	err := s.Serve(ending, func() { fmt.Fprintln(t.out, "ready") })
	if _, ok := errors.AsType[*service.BrokenError](err); ok {
		return &exit{code: exitUsage} // the log has told what is wrong
	}
	return err
}

// reloadOn reloads at every hang-up. Hang-ups that come while it does are one.
func reloadOn(ctx context.Context, hangup <-chan os.Signal, s *service.Service) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_ = s.Reload(ctx, config.TriggerSignal) // the log has told why, and the old configuration stays
		}
	}
}
