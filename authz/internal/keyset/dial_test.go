package keyset

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	plain, private, loopback := guard{}, guard{denyPrivate: true}, guard{loopbackOnly: true}
	for _, tt := range []struct {
		address                  string
		plain, private, loopback error
	}{
		{"192.0.2.1", nil, nil, errPlain},
		{"2001:db8::1", nil, nil, errPlain},
		{"127.0.0.1", nil, errPrivate, nil},
		{"127.9.9.9", nil, errPrivate, nil},
		{"::1", nil, errPrivate, nil},
		{"::ffff:127.0.0.1", nil, errPrivate, nil},
		{"10.1.2.3", nil, errPrivate, errPlain},
		{"172.16.0.1", nil, errPrivate, errPlain},
		{"192.168.1.1", nil, errPrivate, errPlain},
		{"100.64.0.1", nil, errPrivate, errPlain},
		{"0.1.2.3", nil, errPrivate, errPlain},
		{"198.18.0.1", nil, errPrivate, errPlain},
		{"240.0.0.1", nil, errPrivate, errPlain},
		{"255.255.255.255", nil, errPrivate, errPlain},
		{"fd12::1", nil, errPrivate, errPlain},
		{"fec0::1", nil, errPrivate, errPlain},
		{"64:ff9b::a00:1", nil, errPrivate, errPlain}, // 10.0.0.1
		{"169.254.169.254", errLinkLocal, errLinkLocal, errLinkLocal},
		{"169.254.0.1", errLinkLocal, errLinkLocal, errLinkLocal},
		{"::ffff:169.254.169.254", errLinkLocal, errLinkLocal, errLinkLocal},
		{"64:ff9b::a9fe:a9fe", errLinkLocal, errLinkLocal, errLinkLocal},
		{"fe80::1", errLinkLocal, errLinkLocal, errLinkLocal},
		{"fe80::1%eth0", errLinkLocal, errLinkLocal, errLinkLocal},
		{"fd00:ec2::254", errLinkLocal, errLinkLocal, errLinkLocal},
		{"100.100.100.200", errLinkLocal, errLinkLocal, errLinkLocal},
		{"224.0.0.1", errLinkLocal, errLinkLocal, errLinkLocal},
		{"ff02::1", errLinkLocal, errLinkLocal, errLinkLocal},
		{"0.0.0.0", errLinkLocal, errLinkLocal, errLinkLocal},
		{"::", errLinkLocal, errLinkLocal, errLinkLocal},
	} {
		ip := netip.MustParseAddr(tt.address)
		for name, check := range map[string]struct {
			g    guard
			want error
		}{"plain": {plain, tt.plain}, "deny_private": {private, tt.private}, "loopback only": {loopback, tt.loopback}} {
			if err := check.g.check(ip); !errors.Is(err, check.want) {
				t.Errorf("%s, %s: %v, want %v", tt.address, name, err, check.want)
			}
		}
	}
}

// The guard sits in the dialer: it refuses before anything is sent.
func TestDialRefusesLinkLocal(t *testing.T) {
	started := time.Now()
	for _, address := range []string{"169.254.169.254:80", "[::ffff:169.254.169.254]:80", "0.0.0.0:80"} {
		_, err := guard{}.dial(t.Context(), "tcp", address)
		if !errors.Is(err, errLinkLocal) {
			t.Errorf("%s: %v, want %v", address, err, errLinkLocal)
		}
	}
	if took := time.Since(started); took > time.Second {
		t.Errorf("refusing took %v: something was sent", took)
	}
}

func TestGuardKnowsTheProxy(t *testing.T) {
	o := Options{URL: "https://issuer.example/keys", Proxy: "http://10.0.0.1:3128", DenyPrivate: true}
	if g := o.guardFor("10.0.0.1:3128"); g.denyPrivate {
		t.Error("deny_private keeps from the proxy itself")
	}
	if g := o.guardFor("10.0.0.2:443"); !g.denyPrivate {
		t.Error("deny_private is off for others than the proxy")
	}
	if g := (Options{URL: "http://localhost/keys"}).guardFor("10.0.0.1:80"); !g.loopbackOnly {
		t.Error("plain http may leave the machine")
	}
	if g := (Options{URL: "http://issuer.example/keys", InsecureHTTP: true}).guardFor("10.0.0.1:80"); g.loopbackOnly {
		t.Error("insecure_http does not allow what it says")
	}
}

func TestPrivateAddressIsInTheStatus(t *testing.T) {
	pool := NewPool(PoolConfig{})
	defer pool.Close()
	r, err := pool.Lease().Remote(Options{URL: "https://localhost:1/keys", DenyPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	<-r.Tried()
	if got := r.State().LastError; !strings.Contains(got, errPrivate.Error()) {
		t.Errorf("last error is %q", got)
	}
}
