package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
)

// certified makes a certificate that is its own authority: NAME.pem and NAME.key.
func certified(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"gate.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const guarded = `version: 1
listen:
  check: {address: "127.0.0.1:0", tls: {cert: gate.pem, key: gate.key, client_ca: front.pem}}
  metrics: {address: "127.0.0.1:0", tls: {cert: gate.pem, key: gate.key}}
drain: {delay: 0s, timeout: 5s}
log: {level: error}
apis:
  - id: orders
    match: [{host: api.example.com, path: /orders}]
    keys: [{secret: file://secret, issuer: any}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
policies:
  - {id: reader, access: {orders: {allow: all}}}
`

// guardedGate serves over TLS, checks over mutual TLS, and gives the folder and the
// addresses of check and metrics.
func guardedGate(t *testing.T) (dir, check, metrics string) {
	t.Helper()
	dir = t.TempDir()
	certified(t, dir, "gate")
	certified(t, dir, "front")
	for name, text := range map[string]string{
		"tollgate.yaml": guarded, "secret": "0123456789abcdef0123456789abcdef",
		"other.yaml": strings.ReplaceAll(guarded, "orders", "billing"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	world := &terminal{out: &log, err: &log, now: time.Now, getenv: func(string) (string, bool) { return "", false }}
	file := &fileFlags{path: filepath.Join(dir, "tollgate.yaml"), flags: newServe(world).Flags()}
	gate, err := open(t.Context(), world, service.Options{Loader: file.loader(world, nil)})
	if err != nil {
		t.Fatal(err, &log)
	}
	serveUntilEnd(t, gate)
	for _, bound := range gate.Bound() {
		switch bound.Name {
		case "check":
			check = bound.Address
		case "metrics":
			metrics = "https://" + bound.Address
		}
	}
	return dir, check, metrics
}

// commanded runs a command and gives its exit status and what it printed.
func commanded(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	world := &terminal{out: &out, err: &out, now: time.Now, getenv: func(string) (string, bool) { return "", false }}
	return run(t.Context(), world, args), out.String()
}

// What bench and doctor ask over mutual TLS is answered; without a certificate, or
// by another authority, nothing is.
func TestBenchAndDoctorOverTLS(t *testing.T) {
	dir, check, metrics := guardedGate(t)
	in := func(name string) string { return filepath.Join(dir, name) }
	bench := []string{
		"bench", "--address", check, "--key", in("secret"), "--url", "http://api.example.com/orders/7", "--claims", `{"aud":"orders","iss":"x"}`,
		"--requests", "50", "--users", "5", "--bad", "0.2", "--warmup", "0s", "--connections", "1", "--in-flight", "2",
	}
	doctor := []string{"doctor", "--check", check}
	mutual := []string{"--ca", in("gate.pem"), "--client-cert", in("front.pem"), "--client-key", in("front.key")}
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"bench":                             {append(bench, mutual...), exitOK, " 0 "},
		"bench by name":                     {append(append(bench, mutual...), "--server-name", "gate.test"), exitOK, " 0 "},
		"bench by a wrong name":             {append(append(bench, mutual...), "--server-name", "other.test"), exitFail, "50"},
		"bench without a certificate":       {append(bench, "--ca", in("gate.pem")), exitFail, "50"},
		"bench by another authority":        {append(bench, "--ca", in("front.pem"), "--client-cert", in("front.pem"), "--client-key", in("front.key")), exitFail, "50"},
		"bench in plaintext":                {bench, exitFail, "50"},
		"doctor":                            {append(doctor, mutual...), exitOK, "nothing found"},
		"doctor and the file":               {append(append(doctor, mutual...), "--config", in("tollgate.yaml"), "--server", metrics), exitOK, "nothing found"},
		"doctor and another file":           {append(append(doctor, mutual...), "--config", in("other.yaml"), "--server", metrics), exitFail, "at /billing are decided by no API (other_api)"},
		"doctor and its hash":               {append(append(doctor, mutual...), "--config", in("other.yaml"), "--server", metrics), exitFail, "(config_differs)"},
		"doctor without a certificate":      {append(doctor, "--ca", in("gate.pem")), exitFail, "(unreachable)"},
		"doctor in plaintext":               {doctor, exitFail, "(unreachable)"},
		"half a certificate":                {append(doctor, "--ca", in("gate.pem"), "--client-cert", in("front.pem")), exitUsage, "give both"},
		"a certificate and no TLS":          {append(doctor, "--server-name", "gate.test"), exitUsage, "go with --tls or --ca"},
		"no such authority":                 {append(doctor, "--ca", in("absent.pem")), exitUsage, "--ca: "},
		"an authority that is none":         {append(doctor, "--ca", in("secret")), exitUsage, "holds no certificate"},
		"a key that is none":                {append(doctor, "--ca", in("gate.pem"), "--client-cert", in("front.pem"), "--client-key", in("secret")), exitUsage, "--client-cert: "},
		"TLS to a service of its own":       {[]string{"bench", "--tls"}, exitUsage, "go with --address"},
		"doctor of nothing":                 {[]string{"doctor"}, exitUsage, "of what?"},
		"a listener that is something else": {[]string{"doctor", "--server", metrics + "/else", "--ca", in("gate.pem")}, exitUsage, "is no metrics listener"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := commanded(t, test.args...)
			if code != test.code || !strings.Contains(out, test.want) {
				t.Errorf("exit status %d, want %d, or no %q in\n%s", code, test.code, test.want, out)
			}
			if strings.Contains(out, "eyJ") || strings.Contains(out, "0123456789abcdef") {
				t.Error("a token or a secret is printed")
			}
		})
	}
}
