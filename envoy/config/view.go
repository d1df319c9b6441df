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
	Extensions         bool   // context_extensions can be sent
}

// host is one virtual host.
type host struct {
	Name   string
	Routes []Route
}

func newView(shape Shape, p *Params) (*view, error) {
	filled := *p
	if filled.Log == "" {
		filled.Log = "/dev/stdout"
	}
	v := &view{Params: &filled, Upstreams: []Address{p.Upstream}, Cluster: "tollgate", Authority: "tollgate", Extensions: true}
	if shape == Istio {
		// Istio names clusters so, and writes no "|" into an authority.
		v.Cluster, v.Authority = "outbound|9191||tollgate.tollgate.svc.cluster.local", "outbound_.9191_._.tollgate.tollgate.svc.cluster.local"
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
	return v, nil
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
	if p.TLS != nil && (p.TLS.CA == "" || p.TLS.Name == "") {
		return errors.New("tls needs the authority and the name of tollgate's certificate")
	}
	return nil
}
