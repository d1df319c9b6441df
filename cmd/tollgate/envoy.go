package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

func newEnvoy(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "envoy",
		Short: "configurations of the Envoy in front",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newEnvoyPrint(t))
	return c
}

// printFlags are the flags of envoy print.
type printFlags struct {
	listen, admin, upstream, gates, publicGates string
	ca, name, cert, key                         string

	cluster clusterFlags
}

func newEnvoyPrint(t *terminal) *cobra.Command {
	var flags printFlags
	c := &cobra.Command{
		Use:   "print {edge|sidecar|istio|envoy-gateway}",
		Short: "print a configuration with tollgate in front of an upstream",
		Long: `Print a configuration that is filled in from the configuration file: where
tollgate listens, the hosts and paths of its APIs, and the headers that it injects.
With listen.public the paths of token endpoints, /revoke and metadata go there, and
are not checked.

edge and sidecar are bootstrap configurations of Envoy: the one asks tollgate over
TCP, the other over a Unix socket. istio and envoy-gateway are resources for
Kubernetes. What each setting is for stands beside it.`,
		ValidArgs: []string{"edge", "sidecar", "istio", "envoy-gateway"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
	}
	file := addFileFlags(c)
	set := c.Flags()
	set.StringVar(&flags.listen, "listen", "0.0.0.0:8080", "edge, sidecar: where Envoy listens")
	set.StringVar(&flags.admin, "admin", "127.0.0.1:9901", "edge, sidecar: Envoy's admin interface; empty for none")
	set.StringVar(&flags.upstream, "upstream", "127.0.0.1:3000", "edge, sidecar: where allowed requests go")
	set.StringVar(&flags.gates, "gate", "", "edge, sidecar: where Envoy finds tollgate, several with commas; default: listen.check")
	set.StringVar(&flags.publicGates, "public-gate", "", "edge, sidecar: where Envoy finds listen.public; default: the hosts of --gate, or listen.public")
	set.StringVar(&flags.ca, "ca", "", "edge: PEM file that tollgate's certificate is verified with")
	set.StringVar(&flags.name, "server-name", "", "edge: name in tollgate's certificate")
	set.StringVar(&flags.cert, "client-cert", "", "edge: Envoy's certificate, where listen.check has client_ca")
	set.StringVar(&flags.key, "client-key", "", "edge: its key")
	flags.cluster.add(set)
	c.RunE = func(c *cobra.Command, args []string) error {
		loaded, err := readConfig(c.Context(), t, file)
		if err != nil {
			return err
		}
		var out []byte
		switch args[0] {
		case "istio", "envoy-gateway":
			out, err = flags.cluster.render(args[0], loaded)
		default:
			out, err = flags.bootstrap(envoyconfig.Shape(args[0]), loaded)
		}
		if err != nil {
			return &exit{code: exitUsage, cause: err}
		}
		if publicOf(loaded) != nil && loaded.Limits.TrustedHops == 0 {
			fmt.Fprintln(t.err, "limits.trusted_hops is 0: token requests are limited by address, and behind this front all have one: set it to 1")
		}
		_, err = t.out.Write(out)
		return err
	}
	return c
}

// bootstrap fills in a shape of Envoy itself.
func (f *printFlags) bootstrap(shape envoyconfig.Shape, loaded *config.Config) ([]byte, error) {
	params := &envoyconfig.Params{Routes: unambiguous(routesOf(loaded)), Strip: injected(loaded)}
	gates := f.gates
	if gates == "" {
		gates = loaded.Listen.Check.Address
	}
	for _, address := range []struct {
		flag, text string
		into       *envoyconfig.Address
	}{{"--listen", f.listen, &params.Listen}, {"--admin", f.admin, &params.Admin}, {"--upstream", f.upstream, &params.Upstream}} {
		if address.text == "" {
			continue
		}
		parsed, err := envoyconfig.ParseAddress(address.text)
		if err != nil {
			return nil, usage("%s: %w", address.flag, err)
		}
		*address.into = parsed
	}
	for gate := range strings.SplitSeq(gates, ",") {
		parsed, err := envoyconfig.ParseAddress(strings.TrimSpace(gate))
		if err != nil {
			return nil, usage("--gate: %w", err)
		}
		params.Gates = append(params.Gates, parsed)
	}
	public, err := f.public(loaded)
	if err != nil {
		return nil, err
	}
	params.Public = public
	onlyPublic := loaded.Listen.Check.TLS == nil && public != nil && public.TLS != nil
	switch {
	case (f.ca != "" || f.name != "") && !onlyPublic:
		params.TLS = &envoyconfig.TLS{CA: f.ca, Name: f.name, Cert: f.cert, Key: f.key}
	case loaded.Listen.Check.TLS != nil:
		return nil, usage("listen.check has tls: give --ca and --server-name")
	}
	return envoyconfig.Render(shape, params)
}

// routesOf gives a route for every host and path of the APIs. Those of inactive ones
// are taken, too: left out, a wider route would name another API for them.
func routesOf(loaded *config.Config) []envoyconfig.Route {
	var routes []envoyconfig.Route
	for i := range loaded.Spec.APIs {
		api := &loaded.Spec.APIs[i]
		for _, match := range api.Match {
			prefix := match.Path
			if prefix == "" {
				prefix = "/"
			}
			routes = append(routes, envoyconfig.Route{Host: strings.ToLower(match.Host), Prefix: prefix, API: api.ID})
		}
	}
	return routes
}

// unambiguous takes the names of APIs from the routes of hosts where a path has an escape.
// Envoy compares paths letter by letter and %c3 is %C3: it would name the API of a
// wider route, so tollgate chooses.
func unambiguous(routes []envoyconfig.Route) []envoyconfig.Route {
	escaped := map[string]bool{}
	for _, route := range routes {
		escaped[route.Host] = escaped[route.Host] || strings.Contains(route.Prefix, "%")
	}
	for i := range routes {
		if escaped[routes[i].Host] {
			routes[i].API = ""
		}
	}
	return routes
}
