package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/pflag"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// fronts are the fronts that live in Kubernetes: their proxies are configured by
// resources.
//
//go:embed front/*.tmpl
var fronts embed.FS

// clusterFlags say where things are in a cluster.
type clusterFlags struct {
	service, serviceNamespace, gateway, gatewayNamespace string
}

func (f *clusterFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.service, "service", "tollgate", "istio, envoy-gateway: the service of tollgate")
	set.StringVar(&f.serviceNamespace, "service-namespace", "tollgate", "istio, envoy-gateway: its namespace")
	set.StringVar(&f.gateway, "gateway", "", "istio: label istio of the gateway's pods (ingressgateway); envoy-gateway: name of the Gateway (eg)")
	set.StringVar(&f.gatewayNamespace, "gateway-namespace", "", "namespace of the gateway (istio-system; default)")
}

// resources is what the templates see.
type resources struct {
	Service, ServiceNamespace, Gateway, GatewayNamespace string

	Port   int
	Strip  []string // injected headers outside x-tollgate-
	Mesh   string   // the part of the mesh configuration, as comments
	Public *public  // nil: no path is left unchecked
}

// public is what clients without a token may reach.
type public struct {
	Port  int
	Paths []string
	Hosts []string // none: every host
}

// publicIn is public in a cluster.
func publicIn(loaded *config.Config) (*public, error) {
	reached := publicOf(loaded)
	if reached == nil {
		return nil, nil
	}
	address, err := envoyconfig.ParseAddress(loaded.Listen.Public.Address)
	if err != nil || address.Socket != "" {
		return nil, usage("in a cluster listen.public is reached over TCP: set it to 0.0.0.0:9192, with tls or insecure_plaintext")
	}
	out := &public{Port: address.Port, Paths: reached.Paths, Hosts: reached.Hosts}
	if slices.Contains(out.Hosts, "*") {
		out.Hosts = nil
	}
	return out, nil
}

// render fills in the resources for one front.
func (f *clusterFlags) render(front string, loaded *config.Config) ([]byte, error) {
	address, err := envoyconfig.ParseAddress(loaded.Listen.Check.Address)
	if err != nil || address.Socket != "" {
		return nil, usage("in a cluster tollgate is asked over TCP: set listen.check to 0.0.0.0:9191, with tls or insecure_plaintext")
	}
	seen := resources{
		Service: f.service, ServiceNamespace: f.serviceNamespace, Gateway: f.gateway, GatewayNamespace: f.gatewayNamespace,
		Port: address.Port, Strip: injected(loaded),
	}
	if seen.Public, err = publicIn(loaded); err != nil {
		return nil, err
	}
	defaults := map[string][2]string{"istio": {"ingressgateway", "istio-system"}, "envoy-gateway": {"eg", "default"}}[front]
	if seen.Gateway == "" {
		seen.Gateway = defaults[0]
	}
	if seen.GatewayNamespace == "" {
		seen.GatewayNamespace = defaults[1]
	}
	for line := range strings.Lines(seen.mesh()) {
		seen.Mesh += "#    " + line
	}
	quote := func(text string) (string, error) {
		quoted, err := json.Marshal(text)
		return string(quoted), err
	}
	parsed, err := template.New(front+".yaml.tmpl").Funcs(template.FuncMap{"quote": quote, "list": list}).ParseFS(fronts, "front/"+front+".yaml.tmpl")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, &seen)
	return out.Bytes(), err
}

// list writes texts as a YAML list.
func list(texts []string) (string, error) {
	text, err := json.Marshal(texts)
	return string(text), err
}

// mesh is what Istio's mesh configuration needs.
func (r *resources) mesh() string {
	return `meshConfig:
  pathNormalization: {normalization: MERGE_SLASHES}
  extensionProviders:
  - name: tollgate
    envoyExtAuthzGrpc:
      service: ` + r.Service + "." + r.ServiceNamespace + `.svc.cluster.local
      port: ` + strconv.Itoa(r.Port) + `
      timeout: 0.5s
      failOpen: false
      statusOnError: "503"`
}

// injected are the names that APIs inject outside x-tollgate-: a client's own
// must not reach routes that are not checked. Where tokens stand is left alone.
func injected(loaded *config.Config) []string {
	tokens := map[string]bool{"cookie": true}
	for i := range loaded.Spec.APIs {
		header := loaded.Spec.APIs[i].Token.Header
		if header == "" {
			header = "authorization"
		}
		tokens[strings.ToLower(header)] = true
	}
	var names []string
	for i := range loaded.Spec.APIs {
		for _, inject := range loaded.Spec.APIs[i].Inject {
			if name := strings.ToLower(inject.Header); !strings.HasPrefix(name, "x-tollgate-") && !tokens[name] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
