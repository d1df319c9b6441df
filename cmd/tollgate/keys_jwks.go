package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

func newKeysJWKS(t *terminal) *cobra.Command {
	var server, output string
	var offline bool
	c := &cobra.Command{
		Use:   "jwks {--server URL | --offline --config FILE}",
		Short: "show the state of each remote key set",
		Long: `Show every key set of jwks and discover: when it was fetched and will be, its keys
by kid, why a key of it cannot be used, and how the last fetch failed.

--server asks a running service: its admin listener, with TOLLGATE_ADMIN_SECRET, or
its metrics listener, which needs no secret and tells people only. --offline fetches
each set of the configuration once from here, as a service would at its start.

Exit status 0: every set has a usable key; 1: one has not; 2: asked wrongly.`,
		Args: cobra.NoArgs,
	}
	outputFlag(c, &output)
	c.Flags().StringVar(&server, "server", "", "the listener of a running service, such as http://127.0.0.1:9192")
	c.Flags().BoolVar(&offline, "offline", false, "fetch the sets of --config from here, once")
	oneOfThem(c)
	file := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case output != "" && output != "json":
			return unknownOutput(output)
		case offline:
			sets, err := fetchKeySets(c, t, file)
			if err != nil {
				return err
			}
			return t.showKeySets(sets, output)
		case server == "":
			return usage("whose key sets? --server URL asks a running service, --offline --config FILE fetches them from here")
		}
		from, err := newAdminAddress(server, t.variable("TOLLGATE_ADMIN_SECRET"))
		if err != nil {
			return err
		}
		sets, err := from.keySets(c.Context())
		if err != nil || sets != nil {
			return t.showKeySetsOr(err, sets, output)
		}
		if output == "json" {
			return usage("%s is no admin listener: only that one answers as JSON", server)
		}
		return from.tellReadiness(c.Context(), t.out)
	}
	return c
}

func (t *terminal) showKeySetsOr(err error, sets []*adminv1.KeySet, output string) error {
	if err != nil {
		return err
	}
	return t.showKeySets(sets, output)
}

// fetchKeySets makes a snapshot of the configuration, which tries every set.
func fetchKeySets(c *cobra.Command, t *terminal, file *fileFlags) ([]*adminv1.KeySet, error) {
	engine := service.Checker(t.now)
	defer engine.Close()
	loaded, problems := file.loader(t, engine.Check).Load(c.Context())
	if config.Broken(problems) {
		tell(t.err, problems)
		return nil, &exit{code: exitUsage}
	}
	snapshot, _ := engine.Compile(c.Context(), loaded.Spec)
	if snapshot == nil {
		return nil, usage("%s: the engine refuses it: tollgate validate says why", file.path)
	}
	engine.Swap(snapshot)
	sets := []*adminv1.KeySet{}
	for _, state := range snapshot.KeySets() {
		sets = append(sets, keySetOf(&state))
	}
	return sets, nil
}

func keySetOf(state *authz.KeySetState) *adminv1.KeySet {
	set := &adminv1.KeySet{
		Url: state.Source, Issuer: state.Issuer, Apis: []string{state.API}, LastError: state.LastError,
		LastSuccess: stampOf(state.LastSuccess), LastAttempt: stampOf(state.LastFetch), NextRefresh: stampOf(state.NextRefresh),
	}
	for _, key := range state.Keys {
		set.Keys = append(set.Keys, &adminv1.PublishedKey{Kid: key.ID, Kty: key.Type, Alg: key.Alg, Unusable: key.Why})
	}
	return set
}

func stampOf(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}

// showKeySets prints key sets, and fails when one is of no use.
func (t *terminal) showKeySets(sets []*adminv1.KeySet, output string) error {
	var err error
	if output == "json" {
		err = printKeySets(t.out, sets)
	} else {
		_, err = io.WriteString(t.out, t.keySetsText(sets))
	}
	useless := slices.ContainsFunc(sets, func(set *adminv1.KeySet) bool {
		return !slices.ContainsFunc(set.GetKeys(), func(key *adminv1.PublishedKey) bool { return key.GetUnusable() == "" })
	})
	if err == nil && useless {
		return &exit{code: exitFail}
	}
	return err
}

func printKeySets(out io.Writer, sets []*adminv1.KeySet) error {
	text, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true}.Marshal(&adminv1.ListKeySetsResponse{KeySets: sets})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", text)
	return err
}

func (t *terminal) keySetsText(sets []*adminv1.KeySet) string {
	if len(sets) == 0 {
		return "no API has jwks or discover\n"
	}
	var text strings.Builder
	for _, set := range sets {
		issuer := "any issuer"
		if set.GetIssuer() != "" {
			issuer = "issuer " + set.GetIssuer()
		}
		fmt.Fprintf(&text, "%s (%s), for %s\n", set.GetUrl(), issuer, strings.Join(set.GetApis(), ", "))
		fmt.Fprintf(&text, "  fetched %s, next %s\n", t.away(set.GetLastSuccess()), t.away(set.GetNextRefresh()))
		if set.GetLastError() != "" {
			fmt.Fprintf(&text, "  last fetch: %s\n", set.GetLastError())
		}
		for _, key := range set.GetKeys() {
			fmt.Fprintf(&text, "  %s\n", obs.KeyDetail(&authz.KeyState{
				ID: key.GetKid(), Type: key.GetKty(), Alg: key.GetAlg(), Usable: key.GetUnusable() == "", Why: key.GetUnusable(),
			}))
		}
	}
	return text.String()
}

// away says how far away a time is.
func (t *terminal) away(at *timestamppb.Timestamp) string {
	if at == nil {
		return "never"
	}
	return distanceTo(at.AsTime().Sub(t.now()))
}
