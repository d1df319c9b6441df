package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

func newTokensShow(t *terminal) *cobra.Command {
	var on string
	c := &cobra.Command{
		Use:   "show [@FILE|-]",
		Short: "say what a token or a half is to a service",
		Long: `Ask the admin API what a whole token, or the half of a split one, is: whether it
would be accepted now, what it says, when it ends and whose session it is.
` + fromInput + ` Nothing of it is kept.

Exit status 0: it would be accepted; 1: it would not, with the exact reason.`,
		Example: "  tollgate tokens show --server http://127.0.0.1:9193 < half",
		Args:    cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&on, "api", "", "the API to ask about; without it the first that accepts it")
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		token, err := t.given(args)
		if err != nil {
			return err
		}
		return f.asks(c.Context(), t, func(a *api) error {
			shown := &adminv1.ShowTokenResponse{}
			request := &adminv1.ShowTokenRequest{Token: token, Api: on}
			if err := a.call(c.Context(), "POST", "/v1/tokens:show", request, shown); err != nil {
				return err
			}
			if err := f.say(t, shownText(shown), shown); err != nil {
				return err
			}
			if !shown.GetActive() {
				return &exit{code: exitFail}
			}
			return nil
		})
	}
	return c
}

// shownText is what a token is, for people.
func shownText(s *adminv1.ShowTokenResponse) string {
	var text strings.Builder
	kind := map[string]string{"split": "half of a split token", "jwt": "whole token"}[s.GetKind()]
	if s.GetActive() {
		fmt.Fprintf(&text, "active, %s\n", kind)
	} else {
		fmt.Fprintf(&text, "not active: %s, %s\n", s.GetReason(), kind)
	}
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "  %-8s %s\n", name, value)
		}
	}
	line("session", s.GetSession())
	line("expires", moment(s.GetExpires()))
	var claims bytes.Buffer
	if json.Indent(&claims, []byte(s.GetClaimsJson()), "  ", "  ") == nil {
		line("claims", claims.String())
	}
	return text.String()
}

// ruleFlags say which tokens to end where no token is at hand.
type ruleFlags struct {
	jti, subject, session, client, issuer, before string

	all bool
}

func (r *ruleFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&r.jti, "jti", "", "end the token with this jti; --issuer says whose")
	c.Flags().StringVar(&r.subject, "subject", "", "end the tokens with this sub; --issuer says whose")
	c.Flags().StringVar(&r.session, "session", "", "end the tokens of this session id")
	c.Flags().StringVar(&r.client, "client", "", "end the tokens of this client; --issuer says whose")
	c.Flags().StringVar(&r.issuer, "issuer", "", "end the tokens of this issuer, or only its tokens")
	c.Flags().BoolVar(&r.all, "all", false, "end all tokens; with --before")
	c.Flags().StringVar(&r.before, "before", "", "only tokens issued before: 2026-01-31T10:00:00Z, seconds since 1970, or now")
}

// rule is what the flags say; nil when none was given.
func (r *ruleFlags) rule(t *terminal) (*adminv1.Revocation, error) {
	rule := &adminv1.Revocation{Issuer: r.issuer}
	kinds := 0
	for _, each := range []struct{ kind, value string }{
		{"jti", r.jti}, {"subject", r.subject}, {"session", r.session}, {"client", r.client},
	} {
		if each.value != "" {
			rule.Kind, rule.Value = each.kind, each.value
			kinds++
		}
	}
	if r.all {
		rule.Kind = "all"
		kinds++
	}
	if kinds == 0 && r.issuer != "" {
		rule.Kind, rule.Value, rule.Issuer = "issuer", r.issuer, ""
		kinds++
	}
	switch {
	case kinds > 1:
		return nil, usage("give one of --jti, --subject, --session, --client and --all")
	case kinds == 0 && r.before != "":
		return nil, usage("--before of whose tokens? Give --subject, --session, --client, --issuer or --all beside it")
	case kinds == 0:
		return nil, nil
	case r.before == "now":
		rule.Before = timestamppb.New(t.now())
	case r.before != "":
		at, err := instant(r.before)
		if err != nil || at.IsZero() {
			return nil, usage("--before is no time: write 2026-01-31T10:00:00Z, seconds since 1970, or now")
		}
		rule.Before = timestamppb.New(at)
	}
	return rule, nil
}

func newTokensRevoke(t *terminal) *cobra.Command {
	var on string
	var rules ruleFlags
	c := &cobra.Command{
		Use:   "revoke [@FILE|-]",
		Short: "end a token, or all tokens of somebody, on every replica",
		Long: `End one token, whole or split, or with a flag all tokens that it names.
` + fromInput + ` One that no API knows changes nothing.

Exit status 0: ended; 1: no API knows the token.`,
		Example: `  tollgate tokens revoke --server http://127.0.0.1:9193 < half
  tollgate tokens revoke --server http://127.0.0.1:9193 --subject alice --before now`,
		Args: cobra.MaximumNArgs(1),
	}
	c.Flags().StringVar(&on, "api", "", "the API that knows the token; without it any")
	rules.add(c)
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		rule, err := rules.rule(t)
		switch {
		case err != nil:
			return err
		case rule != nil && (len(args) > 0 || on != ""):
			return usage("give a token, or flags that name tokens, not both")
		case rule != nil:
			return f.asks(c.Context(), t, func(a *api) error {
				made := &adminv1.CreateRevocationResponse{}
				if err := a.call(c.Context(), "POST", "/v1/revocations", rule, made); err != nil {
					return err
				}
				return f.say(t, "ended; the rule is "+made.GetRevocation().GetId()+"\n", made)
			})
		}
		token, err := t.given(args)
		if err != nil {
			return err
		}
		return f.asks(c.Context(), t, func(a *api) error {
			done := &adminv1.RevokeTokenResponse{}
			request := &adminv1.RevokeTokenRequest{Token: token, Api: on}
			if err := a.call(c.Context(), "POST", "/v1/tokens:revoke", request, done); err != nil {
				return err
			}
			text := "ended\n"
			if !done.GetRevoked() {
				text = "no API knows this token: nothing was changed\n"
			}
			if err := f.say(t, text, done); err != nil {
				return err
			}
			if !done.GetRevoked() {
				return &exit{code: exitFail}
			}
			return nil
		})
	}
	return c
}
