package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

func newStore(t *terminal) *cobra.Command {
	c := &cobra.Command{Use: "store", Short: "look after the store: check, backup, reseal", Args: cobra.NoArgs}
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.AddCommand(newStoreCheck(t), newStoreBackup(t), newStoreReseal(t))
	return c
}

// opened opens the store and says what to do when a service holds it.
func opened(c *config.Config, t *terminal) (*service.Storage, error) {
	s, err := service.OpenStorage(c, service.StorageOptions{Now: t.now})
	if errors.Is(err, file.ErrHeld) {
		return nil, fmt.Errorf("%w: a running service holds it: stop that first", err)
	}
	return s, err
}

func newStoreCheck(t *terminal) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "check",
		Short: "say what the store needs and lacks",
		Long: `Ask the store of a configuration about eviction, persistence, replication,
versions and latency, and warn where data can be lost. Exit status 1: it does not
work like this.`,
		Args: cobra.NoArgs,
	}
	outputFlag(c, &output)
	from := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if output != "" && output != "json" {
			return unknownOutput(output)
		}
		loaded, err := readConfig(c.Context(), t, from)
		if err != nil {
			return err
		}
		findings, err := checkStore(c.Context(), loaded, t)
		if err != nil {
			return err
		}
		return sayFindings(t, output, findings)
	}
	return c
}

func checkStore(ctx context.Context, c *config.Config, t *terminal) (findings []store.Finding, err error) {
	s, err := opened(c, t) //nolint:contextcheck // an open store outlives the call that opens it
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	checker, ok := s.Backend.(store.Checker)
	if !ok {
		return []store.Finding{{
			Severity: store.Warning, Subject: "memory:", Text: "everything in it ends with the process, and no other process sees it: file: or redis:// keep it",
		}}, nil
	}
	return checker.Check(ctx)
}

func sayFindings(t *terminal, output string, findings []store.Finding) error {
	bad := false
	for _, f := range findings {
		bad = bad || f.Severity == store.Problem
	}
	if output == "json" {
		encoder := json.NewEncoder(t.out)
		encoder.SetIndent("", "  ")
		if findings == nil {
			findings = []store.Finding{}
		}
		if err := encoder.Encode(findings); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintf(t.out, "%-8s %s: %s\n", f.Severity, f.Subject, f.Text)
		}
	}
	if bad {
		return &exit{code: exitFail}
	}
	return nil
}

func newStoreBackup(t *terminal) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "backup --to FILE",
		Short: "write a consistent copy of an embedded store, while it runs or not",
		Long: `Write a consistent copy of a file: store. A running service may go on writing.
The seal key is not in the copy: keep it apart, one opens nothing without the
other.`,
		Args: cobra.NoArgs,
	}
	c.Flags().StringVar(&to, "to", "", "the file to write; it must not exist")
	from := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if to == "" {
			return usage("--to is missing: name the file to write")
		}
		loaded, err := readConfig(c.Context(), t, from)
		if err != nil {
			return err
		}
		address, err := loaded.Store.Address()
		if err != nil {
			return err
		}
		if address.Scheme != store.SchemeFile {
			return fmt.Errorf("the store is no file: store: back a Redis up with its own means (BGSAVE, a replica)")
		}
		if err := file.Backup(c.Context(), address.Path, to); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "wrote %s\n", to)
		return nil
	}
	return c
}

func newStoreReseal(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "reseal",
		Short: "seal what an older seal key has sealed with the first one",
		Long: `Seal credentials and revocations with the first key under seal.keys, so that
older keys can be taken away. Split tokens cannot be sealed anew without their
clients: keep an old key for split.max_ttl after the rotation. On a shared store
services may run meanwhile.`,
		Args: cobra.NoArgs,
	}
	from := addFileFlags(c)
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		loaded, err := readConfig(c.Context(), t, from)
		if err != nil {
			return err
		}
		s, err := opened(loaded, t)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		if s.Keyring == nil {
			return fmt.Errorf("no seal key is configured: name them under seal.keys, the new one first")
		}
		kept := authz.NewKept(authz.KeptOptions{Store: s, Keyring: s.Keyring, Now: t.now})
		done, err := kept.Reseal(c.Context())
		unreadable := 0
		for _, d := range done {
			fmt.Fprintf(t.out, "%s: %d sealed anew, %d current, %d unreadable\n", d.Kind, d.Done, d.Current, d.Unreadable)
			unreadable += d.Unreadable
		}
		if err == nil && unreadable > 0 {
			return &exit{code: exitFail, cause: fmt.Errorf("%d records open with none of the keys: give the key back that sealed them", unreadable)}
		}
		return err
	}
	return c
}
