package keyset

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// connectTimeout bounds one connection attempt, TLS apart.
const connectTimeout = 3 * time.Second

var (
	errLinkLocal = errors.New("link-local, multicast and unspecified addresses are never asked for keys")
	errPrivate   = errors.New("loopback and private addresses are refused by deny_private")
	errPlain     = errors.New("http without insecure_http is for loopback only, and this name leads elsewhere")
)

// guard decides which addresses may be connected to. It sees the address that is
// really dialled, after name resolution (CVE-2026-41413: a name may lead to the
// metadata service of a cloud).
type guard struct {
	denyPrivate  bool
	loopbackOnly bool
}

// guard is what addresses of these options must pass.
func (o Options) guard() guard { return guard{denyPrivate: o.DenyPrivate} }

// check says why ip must not be connected to.
func (g guard) check(ip netip.Addr) error {
	ip = embedded(ip.WithZone("").Unmap())
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), isMetadata(ip):
		return errLinkLocal
	case g.loopbackOnly && !ip.IsLoopback():
		return errPlain
	case g.denyPrivate && (ip.IsLoopback() || ip.IsPrivate() || isShared(ip)):
		return errPrivate
	}
	return nil
}

// embedded gives the IPv4 address that a NAT64 address (RFC 6052) leads to.
func embedded(ip netip.Addr) netip.Addr {
	if netip.MustParsePrefix("64:ff9b::/96").Contains(ip) {
		b := ip.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return ip
}

// isMetadata knows the metadata services that do not stand on link-local
// addresses.
func isMetadata(ip netip.Addr) bool {
	return ip == netip.MustParseAddr("fd00:ec2::254") || ip == netip.MustParseAddr("100.100.100.200")
}

// isShared: ranges that are not of the Internet though not RFC 1918.
func isShared(ip netip.Addr) bool {
	for _, prefix := range []string{"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "fec0::/10"} {
		if netip.MustParsePrefix(prefix).Contains(ip) {
			return true
		}
	}
	return false
}

// dial connects where the guard lets it.
func (g guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		Timeout: connectTimeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return err
			}
			return g.check(target.Addr())
		},
	}
	return d.DialContext(ctx, network, address)
}
