// Package config holds tested configurations of Envoy with tollgate behind it:
// at the edge, as a sidecar, and in the shape that Istio gives a proxy. They are
// templates; Render fills them in. What each setting protects stands in
// docs/envoy.md.
package config

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"text/template"
)

// FS has the templates.
//
//go:embed *.yaml.tmpl
var FS embed.FS

// Shape is one way of putting tollgate behind Envoy.
type Shape string

// The shapes.
const (
	Edge    Shape = "edge"    // at the edge, tollgate over TCP
	Sidecar Shape = "sidecar" // beside an application, tollgate over a Unix socket
	Istio   Shape = "istio"   // what Istio makes of an extension provider
)

// Shapes are all shapes.
func Shapes() []Shape { return []Shape{Edge, Sidecar, Istio} }

// Listener is the name of the listener that clients connect to, in every shape.
const Listener = "edge"

// PublicCluster is the name of the cluster that listen.public is reached by, at the
// edge and in a sidecar.
const PublicCluster = "tollgate-public"

// Address is where something listens: host and port, or the path of a socket.
type Address struct {
	Host   string
	Port   int
	Socket string
}

// ParseAddress reads "host:port" or "unix:///path".
func ParseAddress(text string) (Address, error) {
	if path, ok := strings.CutPrefix(text, "unix://"); ok {
		if !strings.HasPrefix(path, "/") {
			return Address{}, fmt.Errorf("%q: the path of a socket is absolute: write unix:///path", text)
		}
		return Address{Socket: path}, nil
	}
	host, number, err := net.SplitHostPort(text)
	if err != nil {
		return Address{}, fmt.Errorf("%q: write host:port or unix:///path", text)
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || host == "" {
		return Address{}, fmt.Errorf("%q: write host:port or unix:///path", text)
	}
	return Address{Host: host, Port: int(port)}, nil
}

// Route sends a host and a path prefix to the upstream, as a request to an API.
type Route struct {
	Host          string // exact, "*.suffix" or "*"
	Prefix        string // whole segments; "/" is everything
	API           string // context_extensions["api_id"]; "" lets tollgate choose by host and path
	RequireScopes string // context_extensions["require_scopes"]
}

// TLS is how Envoy reaches tollgate over TLS. The files are PEM.
type TLS struct {
	CA        string
	Name      string // DNS name in tollgate's certificate
	Cert, Key string // of Envoy, for a listener with client_ca; "" for none
}

// Public is tollgate's listener for clients that have no token yet (listen.public).
// Its paths are not checked: nobody has a token when asking for the first one.
type Public struct {
	Gates []Address
	Paths []string // exact ones, such as /token
	Hosts []string // whose paths these are, as in Route; none: those of all routes
	TLS   *TLS     // to the listener; nil: plaintext
}

// Params fill in a shape.
type Params struct {
	Listen   Address   // of clients; an IP address, port 0 is a free one
	Admin    Address   // of Envoy's admin interface, loopback only; zero: none
	Upstream Address   // where allowed requests go
	Gates    []Address // where tollgate listens (listen.check); sidecar: one socket
	Routes   []Route   // none: every host and path, the API chosen by tollgate
	Public   *Public   // nil: no path goes to tollgate itself
	Strip    []string  // names of injected headers outside x-tollgate-, in lower case
	TLS      *TLS      // to tollgate; nil: plaintext
	Log      string    // file of the access log; "" is /dev/stdout
}

// Render gives the bootstrap configuration of a shape as YAML.
func Render(shape Shape, p *Params) ([]byte, error) {
	v, err := newView(shape, p)
	if err != nil {
		return nil, fmt.Errorf("envoy configuration %s: %w", shape, err)
	}
	t := template.New("")
	t.Funcs(template.FuncMap{
		"quote":     quote,
		"address":   address,
		"discovery": discovery,
		"match":     match,
		"indent":    indent,
		"speaking":  speaking,
		"include": func(name string, data any) (string, error) {
			var out strings.Builder
			err := t.ExecuteTemplate(&out, name, data)
			return out.String(), err
		},
	})
	if _, err := t.ParseFS(FS, "*.yaml.tmpl"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, string(shape)+".yaml.tmpl", v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// quote writes a text as YAML takes it literally, whatever it holds.
func quote(text string) (string, error) {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return strings.TrimSuffix(out.String(), "\n"), err
}

func address(a Address) (string, error) {
	text, key, rest := a.Socket, "pipe: { path: ", " }"
	if a.Socket == "" {
		text, key = a.Host, "socket_address: { address: "
		rest = fmt.Sprintf(", port_value: %d }", a.Port)
	}
	quoted, err := quote(text)
	return "{ " + key + quoted + rest + " }", err
}

// discovery is the type of a cluster: names are looked up, addresses are not.
func discovery(addresses []Address) string {
	for _, a := range addresses {
		if _, err := netip.ParseAddr(a.Host); a.Socket == "" && err != nil {
			return "STRICT_DNS"
		}
	}
	return "STATIC"
}

// match takes whole segments, as tollgate does.
func match(prefix string) (string, error) {
	key, prefix := "path_separated_prefix: ", strings.TrimRight(prefix, "/")
	if prefix == "" {
		key, prefix = "prefix: ", "/"
	}
	quoted, err := quote(prefix)
	return key + quoted, err
}

// secured is TLS to a listener that speaks a protocol.
type secured struct {
	*TLS
	Protocol string
}

func speaking(t *TLS, protocol string) secured { return secured{TLS: t, Protocol: protocol} }

func indent(by int, text string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimSuffix(text, "\n")) {
		out.WriteString(strings.Repeat(" ", by))
		out.WriteString(line)
	}
	return out.String()
}

// errLoopback is about the one interface that must not be reachable.
var errLoopback = errors.New("the admin interface is for loopback only: whoever reaches it can stop the proxy")
