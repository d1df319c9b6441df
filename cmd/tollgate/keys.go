package main

import "github.com/spf13/cobra"

func newKeys(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "keys",
		Short: "look after the keys that verify tokens",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newKeysCreate(t), newKeysGet(t), newKeysList(t), newKeysUpdate(t), newKeysRotate(t), newKeysDelete(t), newKeysJWKS(t))
	return c
}
