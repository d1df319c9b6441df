package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

func newTokens(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "tokens",
		Short: "look at tokens, verify, split, join and end them, sign some for tests",
		Args:  notATokenItself,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTokensDecode(t), newTokensVerify(t), newTokensSign(t), newTokensSplit(t), newTokensJoin(t), newTokensShow(t), newTokensRevoke(t))
	return c
}

// notATokenItself refuses every argument without showing it: it may be a token.
func notATokenItself(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unknown command: tollgate tokens --help lists them")
	}
	return nil
}

func newTokensDecode(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "decode {TOKEN|-}",
		Short: "show what a token says, without verifying it",
		Long: `Show header and claims of a token. Nothing is verified: what it says may be a lie.
"-" reads the token from standard input, which keeps it out of the history.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			raw, err := t.token(args[0])
			if err != nil {
				return err
			}
			inspection, err := authz.Inspect(raw)
			if err != nil {
				return fmt.Errorf("this is no token: %w", err)
			}
			if err := t.print(inspection); err != nil {
				return err
			}
			_, err = fmt.Fprintln(t.err, "not verified")
			return err
		},
	}
}

// maxToken bounds what is read from standard input.
const maxToken = 1 << 20

// token gives the argument, or what stands in standard input.
func (t *terminal) token(argument string) (string, error) {
	if argument == "-" {
		data, err := io.ReadAll(io.LimitReader(t.in, maxToken))
		if err != nil {
			return "", err
		}
		argument = string(data)
	}
	argument = strings.TrimSpace(argument)
	if scheme, rest, ok := strings.Cut(argument, " "); ok && strings.EqualFold(scheme, "bearer") {
		argument = strings.TrimSpace(rest)
	}
	return argument, nil
}

// print shows header, claims and the times of a token in words.
func (t *terminal) print(i *authz.Inspection) error {
	var text strings.Builder
	for _, part := range []struct {
		name string
		data json.RawMessage
	}{{"header", i.Header}, {"claims", i.Claims}} {
		var indented bytes.Buffer
		if err := json.Indent(&indented, part.data, "", "  "); err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s %s\n", part.name, &indented)
	}
	var claims map[string]any
	if err := json.Unmarshal(i.Claims, &claims); err != nil {
		return err
	}
	now := t.now()
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		seconds, ok := claims[name].(float64)
		if !ok || !slices.Contains([]string{"exp", "nbf", "iat", "auth_time", "updated_at"}, name) || seconds > 1<<40 || seconds < 0 {
			continue
		}
		at := time.Unix(int64(seconds), 0).UTC()
		fmt.Fprintf(&text, "%s is %s, %s\n", name, at.Format(time.RFC3339), distanceTo(at.Sub(now)))
	}
	_, err := io.WriteString(t.out, text.String())
	return err
}

// distanceTo says how far away a time is.
func distanceTo(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " ago"
	}
	return "in " + d.Round(time.Second).String()
}

func newTokensVerify(t *terminal) *cobra.Command {
	var api, at string
	c := &cobra.Command{
		Use:   "verify --api ID {TOKEN|-}",
		Short: "verify a token as an API would",
		Long: `Verify form, key, signature, claims and identity of a token as one API of the
configuration would, without a request. Exit status 0: it holds; 1: it does not,
with the exact reason; 2: asked wrongly, or the configuration is broken.`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&api, "api", "", "the API; may be left out while there is only one")
	c.Flags().StringVar(&at, "at", "", "verify at this time: 2026-01-31T10:00:00Z, or seconds since 1970")
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		raw, err := t.token(args[0])
		if err != nil {
			return err
		}
		moment, err := instant(at)
		if err != nil {
			return err
		}
		engine := service.Checker(t.now)
		defer engine.Close()
		loaded, problems := file.loader(t, engine.Check).Load(c.Context())
		if config.Broken(problems) {
			tell(t.err, problems)
			return &exit{code: exitUsage}
		}
		snapshot, _ := engine.Compile(c.Context(), loaded.Spec)
		if snapshot == nil {
			return usage("%s: the engine refuses it: tollgate validate says why", file.path)
		}
		engine.Swap(snapshot)
		chosen, err := theAPI(snapshot, api)
		if err != nil {
			return err
		}
		inspection := engine.Inspect(c.Context(), chosen, raw, moment)
		return t.verified(inspection, chosen)
	}
	return c
}

// theAPI is the API that was named, or the only one.
func theAPI(snapshot *authz.Snapshot, named string) (string, error) {
	var ids []string
	for _, api := range snapshot.APIs() {
		ids = append(ids, api.ID)
	}
	switch {
	case named == "" && len(ids) == 1:
		return ids[0], nil
	case !slices.Contains(ids, named):
		return "", usage("--api %q: the configuration has %s", named, strings.Join(ids, ", "))
	default:
		return named, nil
	}
}

func (t *terminal) verified(i *authz.Inspection, api string) error {
	if i.Reason == "" {
		if err := t.print(i); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.out, "verified for %s\n", api)
		return err
	}
	return t.refused(i.Reason, i.Cause)
}

// readSmall reads a file that a flag names, or standard input for "-".
func (t *terminal) readSmall(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(t.in, maxToken))
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usage("%s is not there", path)
	}
	return data, err
}
