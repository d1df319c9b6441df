package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

// fromInput is in the help of every command that reads a token or a half.
const fromInput = `It is read from standard input, or from FILE with @FILE: arguments can be read by
others.`

// halfFlags are the flags of tokens split and join.
type halfFlags struct {
	api, output string
	file        *fileFlags
}

func (f *halfFlags) add(c *cobra.Command, api string) {
	c.Flags().StringVar(&f.api, "api", "", api)
	outputFlag(c, &f.output)
	f.file = addFileFlags(c)
}

func newTokensSplit(t *terminal) *cobra.Command {
	var flags halfFlags
	c := &cobra.Command{
		Use:   "split --config FILE [@FILE|-]",
		Short: "keep a token in the store and print the half for its client",
		Long: `Verify a token as an API would, keep it sealed in the store of the configuration,
and print the half that its client gets. The same token gives the same half again.
` + fromInput + `

It works on the store itself: a directory that a running service holds is refused;
there the token endpoint of the service splits. Exit status 0: kept; 1: the API
does not accept the token, with the exact reason; 2: asked wrongly.`,
		Example: "  tollgate tokens split --config tollgate.yaml --api orders < token.jwt > half",
		Args:    cobra.MaximumNArgs(1),
	}
	flags.add(c, "the API that the token is for; may be left out while only one takes split tokens")
	c.RunE = func(c *cobra.Command, args []string) error {
		return flags.with(c.Context(), t, args, func(h *service.Halves, loaded *config.Config, token string) error {
			api, err := splitAPI(loaded, flags.api)
			if err != nil {
				return err
			}
			half, err := h.Split(c.Context(), api, token)
			if why, ok := errors.AsType[authz.Reason](err); ok {
				return t.refused(why, "")
			}
			if err != nil {
				return err
			}
			until := half.Until.UTC().Truncate(time.Second)
			return flags.give(t, half.Text, "kept until "+until.Format(time.RFC3339), map[string]any{"half": half.Text, "until": until, "api": api})
		})
	}
	return c
}

func newTokensJoin(t *terminal) *cobra.Command {
	var flags halfFlags
	c := &cobra.Command{
		Use:   "join --config FILE [@FILE|-]",
		Short: "print the whole token that a half stands for",
		Long: `Look a client's half up in the store of the configuration, join it with what is
kept there, and verify the token as an API would. ` + fromInput + `

It works on the store itself: a directory that a running service holds is refused.
Exit status 0: joined, and good; 1: there is no such token, or it is not accepted,
with the exact reason; 2: asked wrongly.`,
		Example: "  tollgate tokens join --config tollgate.yaml < half | tollgate tokens decode -",
		Args:    cobra.MaximumNArgs(1),
	}
	flags.add(c, "verify as this API would; without it as the first that accepts it")
	c.RunE = func(c *cobra.Command, args []string) error {
		return flags.with(c.Context(), t, args, func(h *service.Halves, loaded *config.Config, half string) error {
			if flags.api != "" {
				if _, err := splitAPI(loaded, flags.api); err != nil {
					return err
				}
			}
			if strings.Contains(half, ".") {
				return usage("this is a whole token already: tollgate tokens decode shows it")
			}
			token, is, err := h.Join(c.Context(), flags.api, half)
			switch {
			case errors.Is(err, authz.ErrNoToken):
				return t.refused(authz.TokenUnknown, "")
			case err != nil:
				return err
			case !is.Active:
				return t.refused(is.Reason, "")
			}
			return flags.give(t, token, "good for "+is.API, map[string]any{"token": token, "api": is.API, "expires": is.Expires.UTC()})
		})
	}
	return c
}

// with reads what is asked about and opens the store of the configuration.
func (f *halfFlags) with(ctx context.Context, t *terminal, args []string, ask func(*service.Halves, *config.Config, string) error) (err error) {
	if f.output != "" && f.output != "json" {
		return unknownOutput(f.output)
	}
	given, err := t.given(args)
	if err != nil {
		return err
	}
	loaded, err := readConfig(ctx, t, f.file)
	if err != nil {
		return err
	}
	if !service.Lasts(loaded) {
		return usage("the store is memory:, which would end with this command: set store to file: or redis://")
	}
	h, err := service.OpenHalves(ctx, loaded, t.now)
	if err != nil {
		return held(err)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	return ask(h, loaded, given)
}

// give prints what was asked for alone, so that it can be handed on; a remark goes
// beside it.
func (f *halfFlags) give(t *terminal, text, remark string, all map[string]any) error {
	if f.output == "json" {
		encoder := json.NewEncoder(t.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	fmt.Fprintln(t.err, remark)
	_, err := fmt.Fprintln(t.out, text)
	return err
}

// given is the token or half that a command is about: "@FILE", or standard input.
func (t *terminal) given(args []string) (string, error) {
	argument := "-"
	if len(args) > 0 {
		argument = args[0]
	}
	path, isFile := strings.CutPrefix(argument, "@")
	if !isFile && argument != "-" { // it may be the token: it is not shown
		return "", usage("give it on standard input, or as @FILE: others can read arguments")
	}
	if !isFile {
		path = "-"
	}
	data, err := t.readSmall(path)
	if err != nil {
		return "", err
	}
	text, err := t.token(string(data))
	if err == nil && (text == "" || text == "-") {
		err = usage("there is nothing on standard input, or in the file")
	}
	return text, err
}

// splitAPI is the API that was named, or the only one that takes split tokens.
func splitAPI(loaded *config.Config, named string) (string, error) {
	var all, able []string
	for i := range loaded.Spec.APIs {
		api := &loaded.Spec.APIs[i]
		all = append(all, api.ID)
		if !api.Inactive && api.Split.Mode != "" && api.Split.Mode != authz.SplitNone {
			able = append(able, api.ID)
		}
	}
	switch {
	case len(able) == 0:
		return "", usage("no API takes split tokens: write split: allowed there")
	case named == "" && len(able) == 1:
		return able[0], nil
	case named == "":
		return "", usage("--api is missing: split tokens are taken by %s", strings.Join(able, ", "))
	case !slices.Contains(all, named):
		return "", usage("--api %q: the configuration has %s", named, strings.Join(all, ", "))
	case !slices.Contains(able, named):
		return "", usage("--api %q takes no split tokens: write split: allowed there, or name one of %s", named, strings.Join(able, ", "))
	}
	return named, nil
}

// refused says why a token is not accepted, and exits with 1.
func (t *terminal) refused(why authz.Reason, cause string) error {
	text := "refused: " + string(why)
	if cause != "" {
		text += ": " + cause
	}
	known := func(row authz.Row) bool { return row.Reason == why }
	if at := slices.IndexFunc(authz.Rows(), known); at >= 0 && authz.Rows()[at].Hint != "" {
		text += "\n  " + authz.Rows()[at].Hint
	}
	if _, err := io.WriteString(t.out, text+"\n"); err != nil {
		return err
	}
	return &exit{code: exitFail}
}
