package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestListenRules: a TCP address of check, public or admin that is not loopback
// needs TLS or says that it does without.
func TestListenRules(t *testing.T) {
	pem, err := filepath.Abs("testdata/bad/pem")
	must(t, err)
	secure := ", tls: {cert: " + pem + "/cert.pem, key: " + pem + "/key.pem}"
	for _, c := range []struct {
		listen, fault string
	}{
		{`{check: "127.0.0.1:0"}`, ""},
		{`{check: "localhost:9191"}`, ""},
		{`{check: "LocalHost:9191"}`, ""},
		{`{check: "[::1]:9191"}`, ""},
		{`{check: "127.9.9.9:9191"}`, ""},
		{`{check: "unix:///run/tollgate.sock"}`, ""},
		{`{check: ""}`, ""},
		{`{check: {address: "0.0.0.0:9191"` + secure + `}}`, ""},
		{`{check: {address: "0.0.0.0:9191", insecure_plaintext: true}}`, ""},
		{`{check: {address: "unix:///run/tollgate.sock"` + secure + `}}`, ""},
		{`{metrics: ":9090"}`, ""},
		{`{metrics: "0.0.0.0:9090"}`, ""},
		{`{check: "127.0.0.1:0", metrics: "127.0.0.1:0"}`, ""},
		{`{check: "0.0.0.0:9191"}`, "not loopback"},
		{`{check: ":9191"}`, "not loopback"},
		{`{check: "[::]:9191"}`, "not loopback"},
		{`{check: "10.0.0.1:9191"}`, "not loopback"},
		{`{check: "tollgate:9191"}`, "not loopback"},
		{`{check: "localhost.example.com:9191"}`, "not loopback"},
		{`{public: "0.0.0.0:1", check: "127.0.0.1:1"}`, "not loopback"},
		{`{admin: "0.0.0.0:1", check: "127.0.0.1:1"}`, "not loopback"},
		{`{check: "[::ffff:10.0.0.1]:1"}`, "not loopback"},
		{`{check: "127.0.0.1"}`, "no address"},
		{`{check: "127.0.0.1:http"}`, "no address"},
		{`{check: "127.0.0.1:-1"}`, "no address"},
		{`{check: "127.0.0.1:65536"}`, "no address"},
		{`{check: "http://127.0.0.1:1"}`, "no address"},
		{`{check: "unix://run.sock"}`, "absolute"},
		{`{check: "unix:/run.sock"}`, "no address"},
		{`{check: "unix:///a.sock", metrics: "unix:///a.sock"}`, "already"},
	} {
		f, problems := decoded([]byte("version: 1\nlisten: " + c.listen + "\n"))
		d := &document{name: "tollgate.yaml", data: []byte("version: 1\nlisten: " + c.listen + "\n")}
		d.parse()
		check := checker{origins: &origins{main: d}}
		check.check(f)
		for _, p := range problems {
			if p.kind != meaning {
				t.Errorf("%s: %s", c.listen, p)
			}
		}
		got := lines(check.problems)
		if (c.fault == "") != (got == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%s: want %q, got\n%s", c.listen, c.fault, got)
		}
	}
}

// TestNetwork gives what net.Listen wants.
func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{"127.0.0.1:1": "tcp 127.0.0.1:1", "unix:///run/a.sock": "unix /run/a.sock"} {
		network, at := Listener{Address: address}.Network()
		if network+" "+at != want {
			t.Errorf("%s %s, want %s", network, at, want)
		}
	}
}
