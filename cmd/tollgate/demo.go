package main

import "github.com/spf13/cobra"

func newDemo(_ *terminal) *cobra.Command { return &cobra.Command{Use: "demo"} }
