package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// socketPrefix is how the address of a Unix socket begins.
const socketPrefix = "unix://"

// IsOff says whether nothing listens here.
func (l Listener) IsOff() bool { return l.Address == "" }

// Network gives what net.Listen wants: "tcp" or "unix", and the address.
func (l Listener) Network() (network, address string) {
	if path, ok := strings.CutPrefix(l.Address, socketPrefix); ok {
		return "unix", path
	}
	return "tcp", l.Address
}

// listen checks every listener, and that no two have one address.
func (c *checker) listen(l *Listen) {
	taken := map[string]string{}
	for _, each := range []struct {
		name string
		l    *Listener
		open bool // may be plain text on any address
	}{
		{"check", &l.Check, false},
		{"public", &l.Public, false},
		{"admin", &l.Admin, false},
		{"metrics", &l.Metrics, true},
	} {
		at := "/listen/" + each.name
		if each.l.IsOff() {
			continue
		}
		if !c.address(at, each.l, each.open) {
			continue
		}
		if first := taken[each.l.Address]; first != "" && !strings.HasSuffix(each.l.Address, ":0") {
			c.fault(at, each.l.Address+" is the address of listen."+first+" already", "give each its own")
		}
		taken[each.l.Address] = each.name
	}
}

// address checks one address: its spelling, and that plain text stays inside
// the machine unless the file says otherwise.
func (c *checker) address(at string, l *Listener, open bool) bool {
	if path, ok := strings.CutPrefix(l.Address, socketPrefix); ok {
		if !filepath.IsAbs(path) {
			c.fault(at, "the path of a socket must be absolute", "write unix:///run/tollgate.sock")
			return false
		}
		return true
	}
	if strings.HasPrefix(l.Address, "unix:") || strings.HasPrefix(l.Address, "/") {
		c.fault(at, quote(l.Address)+" is no address", "write unix:///run/tollgate.sock")
		return false
	}
	host, port, err := net.SplitHostPort(l.Address)
	if number, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || strings.ContainsAny(host, " /") || number > 65535 {
		c.fault(at, quote(l.Address)+" is no address", addressAdvice(l.Address))
		return false
	}
	switch {
	case l.TLS != nil && l.InsecurePlaintext:
		c.fault(at, "the listener has tls and insecure_plaintext: true", "keep one of them")
	case !open && l.TLS == nil && !l.InsecurePlaintext && !isLoopback(host):
		c.fault(at, l.Address+" is not loopback and would be plain text",
			"write {address: \""+l.Address+"\", tls: {cert: PATH, key: PATH}}, or insecure_plaintext: true in place of tls")
	}
	return true
}

// addressAdvice is what to write instead of something that is no address.
func addressAdvice(written string) string {
	if _, err := strconv.Atoi(written); err == nil {
		return "write 127.0.0.1:" + written
	}
	if a, err := netip.ParseAddr(written); err == nil {
		return "write " + netip.AddrPortFrom(a, 9191).String()
	}
	return "write host:port, such as 127.0.0.1:9191, or unix:///path"
}

// isLoopback says whether a host can be reached from this machine only. Names
// other than localhost can mean anything.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
