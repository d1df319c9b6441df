// Command tollgate is an authorization service for Envoy: see README.md. Every
// subcommand is one file of this package; what they stand on is in internal.
package main

import (
	"context"
	"os"
	"time"
)

// version is set by the linker (-X main.version=…) in release builds; it can set
// nothing but a variable.
var version string

func main() {
	t := &terminal{
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		getenv: os.LookupEnv, now: time.Now,
	}
	os.Exit(run(context.Background(), t, os.Args[1:]))
}
