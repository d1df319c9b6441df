package main

import "github.com/spf13/cobra"

func newKeys(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "look after the keys that verify tokens",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newKeysJWKS(t))
	return c
}
