package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	filestore "github.com/tollgate-authz/tollgate/store/file"
)

// checkFlags are the flags of check.
type checkFlags struct {
	method, url, at, output string
	server                  string
	headers                 []string
	explain, json           bool
}

func newCheck(t *terminal) *cobra.Command {
	var flags checkFlags
	c := &cobra.Command{
		Use:   "check --url http://host/path [-H 'authorization: Bearer …']",
		Short: "decide about one request",
		Long: `Decide about one request as serve would, on the same engine, and charge nothing.
Exit status 0: allow; 1: deny; 2: asked wrongly, or the configuration is broken.`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringVarP(&flags.method, "method", "X", "GET", "the method")
	c.Flags().StringVar(&flags.url, "url", "", "the URL that the client asks for")
	c.Flags().StringArrayVarP(&flags.headers, "header", "H", nil, "a header line; may be repeated")
	c.Flags().StringVar(&flags.at, "at", "", "decide at this time: 2026-01-31T10:00:00Z, or seconds since 1970")
	c.Flags().StringVar(&flags.server, "server", "", "ask the admin listener of a running service instead, with TOLLGATE_ADMIN_SECRET")
	c.Flags().BoolVar(&flags.explain, "explain", false, "show the steps of the decision")
	c.Flags().BoolVar(&flags.json, "json", false, "the same as -o json")
	outputFlag(c, &flags.output)
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		asked, at, err := flags.question()
		if err != nil {
			return err
		}
		if flags.server != "" {
			return flags.askServer(c.Context(), t, asked, at)
		}
		answer, trace, err := decide(c.Context(), t, file, asked, at)
		if err != nil {
			return err
		}
		if !flags.explain {
			trace = nil
		}
		if err := show(t.out, flags.output == "json", &answer, trace); err != nil {
			return err
		}
		if answer.Outcome == authz.Deny {
			return &exit{code: exitFail}
		}
		return nil
	}
	return c
}

// question reads what is asked, and about when.
func (f *checkFlags) question() (*question, time.Time, error) {
	if f.json {
		f.output = "json"
	}
	if f.output != "" && f.output != "json" {
		return nil, time.Time{}, unknownOutput(f.output)
	}
	if f.url == "" {
		return nil, time.Time{}, usage("--url is missing: give the URL that the client asks for")
	}
	at, err := instant(f.at)
	if err != nil {
		return nil, time.Time{}, err
	}
	asked, err := newQuestion(f.method, f.url, f.headers)
	return asked, at, err
}

// instant reads --at; "" is now, as the engine knows it.
func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, usage("--at %q is no time: write 2026-01-31T10:00:00Z, or seconds since 1970", text)
	}
	return at, nil
}

// readConfig loads the configuration, or tells what is wrong with it.
func readConfig(ctx context.Context, t *terminal, file *fileFlags) (*config.Config, error) {
	engine := service.Checker(t.now)
	defer engine.Close()
	loaded, problems := file.loader(t, engine.Check).Load(ctx)
	if config.Broken(problems) {
		tell(t.err, problems)
		return nil, &exit{code: exitUsage}
	}
	return loaded, nil
}

// held says what to do where a service has the store open.
func held(err error) error {
	if errors.Is(err, filestore.ErrHeld) {
		return usage("%w: ask the service with --server, or stop it", err)
	}
	return &exit{code: exitUsage, cause: err}
}

// decide loads the configuration and explains one decision on it.
func decide(ctx context.Context, t *terminal, file *fileFlags, asked *question, at time.Time) (authz.Answer, *authz.Trace, error) {
	loaded, err := readConfig(ctx, t, file)
	if err != nil {
		return authz.Answer{}, nil, err
	}
	engine, closing, err := service.Single(ctx, loaded, t.now)
	if err != nil {
		return authz.Answer{}, nil, held(err)
	}
	defer closing() //nolint:errcheck // nothing was written
	snapshot, found := engine.Compile(ctx, loaded.Spec)
	if snapshot == nil {
		for _, problem := range found {
			if !problem.Warning {
				return authz.Answer{}, nil, usage("%s: %s", file.path, problem.What)
			}
		}
		return authz.Answer{}, nil, usage("%s: the engine refuses it", file.path)
	}
	engine.Swap(snapshot)
	answer, trace := engine.Explain(ctx, asked, at)
	return answer, trace, nil
}
