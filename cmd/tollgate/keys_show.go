package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz/credential"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

func newKeysGet(t *terminal) *cobra.Command {
	var org string
	c := &cobra.Command{Use: "get ID", Short: "show a key", Args: cobra.ExactArgs(1)}
	c.Flags().StringVar(&org, "org", "", "its org")
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		return f.asks(c.Context(), t, func(a *api) error {
			key, err := a.key(c.Context(), args[0], org)
			if err != nil {
				return err
			}
			return f.say(t, t.keyText(key), key)
		})
	}
	return c
}

func newKeysList(t *terminal) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list all keys", Args: cobra.NoArgs}
	f := addAPIFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return f.asks(c.Context(), t, func(a *api) error {
			for token := ""; ; {
				page := &adminv1.ListKeysResponse{}
				if err := a.call(c.Context(), "GET", "/v1/keys?page_size=500&page_token="+url.QueryEscape(token), nil, page); err != nil {
					return err
				}
				var text strings.Builder
				for _, key := range page.GetKeys() {
					text.WriteString(t.keyLine(key))
				}
				if err := f.say(t, text.String(), page); err != nil {
					return err
				}
				if token = page.GetNextPageToken(); token == "" {
					return nil
				}
			}
		})
	}
	return c
}

// keyLine is a key in one line. Ids are quoted: they can hold anything.
func (t *terminal) keyLine(k *adminv1.Key) string {
	return fmt.Sprintf("%-24q  %-8s  %s\n", k.GetId(), t.keyState(k), strings.Join(slices.Concat(k.GetPolicies(), own(k)), ","))
}

func own(k *adminv1.Key) []string {
	if len(k.GetAccess()) == 0 {
		return nil
	}
	return []string{"(rights of its own)"}
}

func (t *terminal) keyState(k *adminv1.Key) string {
	switch {
	case k.GetInactive():
		return "inactive"
	case k.GetExpires() != nil && !k.GetExpires().AsTime().After(t.now()):
		return "ended"
	}
	return "active"
}

// keyText is a key for people.
func (t *terminal) keyText(k *adminv1.Key) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%q, %s\n", k.GetId(), t.keyState(k))
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "  %-9s %s\n", name, value)
		}
	}
	line("session", credential.Session(k.GetOrg(), k.GetId()))
	line("org", k.GetOrg())
	line("alias", k.GetAlias())
	line("policies", strings.Join(k.GetPolicies(), ", "))
	for _, a := range k.GetAccess() {
		line("access", accessText(a))
	}
	if r := k.GetRate(); r != nil {
		line("rate", fmt.Sprintf("%d in %s", r.GetRequests(), r.GetPer().AsDuration()))
	}
	if q := k.GetQuota(); q != nil {
		line("quota", fmt.Sprintf("%d in %s", q.GetRequests(), q.GetPer().AsDuration()))
	}
	line("tags", strings.Join(k.GetTags(), ", "))
	line("expires", moment(k.GetExpires()))
	for _, m := range k.GetMaterials() {
		until := ""
		if m.GetUntil() != nil {
			until = " until " + moment(m.GetUntil())
		}
		line("secret", m.GetKind()+until)
	}
	line("changed", moment(k.GetUpdated()))
	return text.String()
}

func accessText(a *adminv1.Access) string {
	if a.GetAll() {
		return a.GetApi() + ": all"
	}
	entries := make([]string, 0, len(a.GetAllow()))
	for _, e := range a.GetAllow() {
		entries = append(entries, strings.Join(e.GetMethods(), "|")+" "+e.GetPath())
	}
	return a.GetApi() + ": " + strings.Join(entries, ", ")
}

func moment(at *timestamppb.Timestamp) string {
	if at == nil {
		return ""
	}
	return at.AsTime().UTC().Format(time.RFC3339)
}

// secretText shows a secret that was made, this once.
func secretText(secret string) string {
	if secret == "" {
		return ""
	}
	return "  its secret, shown only now: " + secret + "\n"
}

func warningText(warnings []string) string {
	var text strings.Builder
	for _, w := range warnings {
		fmt.Fprintf(&text, "  warning: %s\n", w)
	}
	return text.String()
}
