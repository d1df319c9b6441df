package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says which program this is.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisBuild asks the linker's version first, then what the go tool noted.
func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if b.Version == "" {
			b.Version = info.Main.Version
		}
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.Revision = setting.Value
			}
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "dev"
	}
	return b
}

func newVersion(t *terminal) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			switch output {
			case "json":
				return json.NewEncoder(t.out).Encode(b)
			case "":
				_, err := fmt.Fprintf(t.out, "tollgate %s (%s, %s)\n", b.Version, b.Go, b.Platform)
				return err
			default:
				return unknownOutput(output)
			}
		},
	}
	outputFlag(c, &output)
	return c
}

// outputFlag adds -o to a command that can answer machines.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "", `"json" for machines`)
}

func unknownOutput(output string) error {
	return usage("unknown output %q: use -o json, or leave it out", output)
}
