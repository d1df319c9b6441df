package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

func newUsage(t *terminal) *cobra.Command {
	c := &cobra.Command{Use: "usage", Short: "read and change what was counted: get, reset, top-up", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(newUsageGet(t), newUsageReset(t), newUsageTopUp(t))
	return c
}

// usagePath is where the counters of a session, or of a key, are.
func usagePath(id string) string { return "/v1/usage/" + url.PathEscape(id) }

func newUsageGet(t *terminal) *cobra.Command {
	return usageCommand(t, "get ID", "show the limits of a session (or of a key) and what is left", func(c *cobra.Command, a *api, id string) (proto.Message, string, error) {
		got := &adminv1.GetUsageResponse{}
		err := a.call(c.Context(), "GET", usagePath(id), nil, got)
		return got, usageText(got.GetSession(), got.GetUsage()), err
	})
}

func newUsageReset(t *terminal) *cobra.Command {
	return usageCommand(t, "reset ID", "begin the counters of a session (or of a key) anew", func(c *cobra.Command, a *api, id string) (proto.Message, string, error) {
		done := &adminv1.ResetUsageResponse{}
		err := a.call(c.Context(), "POST", usagePath(id)+":reset", &adminv1.ResetUsageRequest{}, done)
		return done, "reset " + done.GetSession() + "\n", err
	})
}

func newUsageTopUp(t *terminal) *cobra.Command {
	var requests int64
	c := usageCommand(t, "top-up ID --requests N", "grant requests on top of the running quota period", func(c *cobra.Command, a *api, id string) (proto.Message, string, error) {
		done := &adminv1.TopUpUsageResponse{}
		err := a.call(c.Context(), "POST", usagePath(id)+":topUp", &adminv1.TopUpUsageRequest{Requests: requests}, done)
		return done, usageText(done.GetSession(), done.GetUsage()), err
	})
	c.Flags().Int64Var(&requests, "requests", 0, "how many")
	return c
}

// usageCommand is a command about one session.
func usageCommand(t *terminal, use, short string, ask func(*cobra.Command, *api, string) (proto.Message, string, error)) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1)}
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return f.asks(c.Context(), t, func(a *api) error {
			answer, text, err := ask(c, a, args[0])
			if err != nil {
				return err
			}
			return f.say(t, text, answer)
		})
	}
	return c
}

func usageText(session string, list []*adminv1.Usage) string {
	var text strings.Builder
	fmt.Fprintf(&text, "session %s\n", session)
	for _, u := range list {
		where := u.GetSource()
		if u.GetApi() != "" {
			where += " on " + u.GetApi()
		}
		fmt.Fprintf(&text, "  %-5s  %d of %d left, until %s  (%s)\n", u.GetKind(), u.GetRemaining(), u.GetLimit(), moment(u.GetReset_()), where)
	}
	return text.String()
}
