package config

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// view is what the templates see.
type view struct {
	*Params
	Upstreams          []Address
	Hosts              []host
	Cluster, Authority string // of tollgate
	PublicCluster      string // of its listener for clients without a token
	Extensions         bool   // context_extensions can be sent
}

// host is one virtual host.
type host struct {
	Name   string
	Public []string // paths of tollgate itself, before all others
	Routes []Route
}

func newView(shape Shape, p *Params) (*view, error) {
	filled := *p
	if filled.Log == "" {
		filled.Log = "/dev/stdout"
	}
	v := &view{
		Params: &filled, Upstreams: []Address{p.Upstream}, Extensions: true,
		Cluster: "tollgate", Authority: "tollgate", PublicCluster: PublicCluster,
	}
	if shape == Istio {
		// Istio names clusters so, and writes no "|" into an authority.
		v.Cluster, v.Authority = "outbound|9191||tollgate.tollgate.svc.cluster.local", "outbound_.9191_._.tollgate.tollgate.svc.cluster.local"
		v.PublicCluster = "outbound|9192||tollgate.tollgate.svc.cluster.local"
		v.Extensions = false
	}
	if err := p.check(shape); err != nil {
		return nil, err
	}
	routes := p.Routes
	if len(routes) == 0 {
		routes = []Route{{Host: "*", Prefix: "/"}}
	}
	v.Hosts = group(routes)
	if p.Public != nil {
		v.Hosts = p.Public.before(v.Hosts)
	}
	return v, nil
}

// before puts the paths of tollgate itself before the routes of its hosts.
func (p *Public) before(hosts []host) []host {
	for _, name := range p.Hosts {
		if !slices.ContainsFunc(hosts, func(h host) bool { return h.Name == name }) {
			hosts = append(hosts, host{Name: name})
		}
	}
	for i := range hosts {
		if len(p.Hosts) == 0 || slices.Contains(p.Hosts, hosts[i].Name) {
			hosts[i].Public = p.Paths
		}
	}
	return hosts
}

// group puts the routes of one host together, the longest prefix first, because
// Envoy takes the first that fits.
func group(routes []Route) []host {
	var hosts []host
	for _, r := range routes {
		i := slices.IndexFunc(hosts, func(h host) bool { return h.Name == r.Host })
		if i < 0 {
			i = len(hosts)
			hosts = append(hosts, host{Name: r.Host})
		}
		hosts[i].Routes = append(hosts[i].Routes, r)
	}
	for _, h := range hosts {
		slices.SortStableFunc(h.Routes, func(a, b Route) int {
			return len(strings.TrimRight(b.Prefix, "/")) - len(strings.TrimRight(a.Prefix, "/"))
		})
	}
	return hosts
}

// check says what cannot be rendered.
func (p *Params) check(shape Shape) error {
	if !slices.Contains(Shapes(), shape) {
		return errors.New("no such shape: choose edge, sidecar or istio")
	}
	if ip, err := netip.ParseAddr(p.Listen.Host); err != nil || !ip.IsValid() {
		return errors.New("listen needs an IP address and a port")
	}
	if p.Admin.Host != "" {
		if ip, err := netip.ParseAddr(p.Admin.Host); err != nil || !ip.IsLoopback() {
			return errLoopback
		}
	}
	if p.Upstream == (Address{}) {
		return errors.New("an upstream is needed")
	}
	if len(p.Gates) == 0 {
		return errors.New("the address of listen.check is needed")
	}
	if shape == Sidecar && (len(p.Gates) != 1 || p.Gates[0].Socket == "") {
		return errors.New("a sidecar asks one tollgate over a Unix socket: set listen.check to unix:///path")
	}
	for _, r := range p.Routes {
		if r.Host == "" || !strings.HasPrefix(r.Prefix, "/") {
			return errors.New("a route needs a host (or *) and a prefix that begins with /")
		}
	}
	return errors.Join(p.TLS.check(), p.Public.check())
}

func (t *TLS) check() error {
	if t != nil && (t.CA == "" || t.Name == "") {
		return errors.New("tls needs the authority and the name of tollgate's certificate")
	}
	return nil
}

// check wants exact paths: a prefix would let more than tollgate answers pass.
func (p *Public) check() error {
	switch {
	case p == nil:
		return nil
	case len(p.Gates) == 0:
		return errors.New("the address of listen.public is needed")
	case len(p.Paths) == 0:
		return errors.New("public needs the paths that tollgate answers itself")
	}
	for _, path := range p.Paths {
		if len(path) < 2 || path[0] != '/' || strings.ContainsAny(path, "*?#") {
			return errors.New("a public path is a whole one, such as /token")
		}
	}
	return p.TLS.check()
}
