package storetest

import (
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
	"strconv"
	"strings"
	"testing"
	"time"
)

// Certificates are PEM files of an authority of the test's own, a server and a
// client.
type Certificates struct {
	CA, ServerCert, ServerKey, ClientCert, ClientKey string
}

// MakeCertificates makes them for 127.0.0.1 and localhost.
func MakeCertificates(tb testing.TB) *Certificates {
	tb.Helper()
	dir := tb.TempDir()
	caKey, ca := newKey(tb), &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	c := &Certificates{CA: filepath.Join(dir, "ca.pem")}
	writeCertificate(tb, c.CA, ca, signer{ca, caKey, caKey})
	leaf := func(name string, serial int64, usage x509.ExtKeyUsage) (cert, key string) {
		own := newKey(tb)
		cert, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
		writeCertificate(tb, cert, &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
			NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		}, signer{ca, caKey, own})
		der, err := x509.MarshalPKCS8PrivateKey(own)
		if err != nil {
			tb.Fatal(err)
		}
		writePEM(tb, key, "PRIVATE KEY", der)
		return cert, key
	}
	c.ServerCert, c.ServerKey = leaf("server", 2, x509.ExtKeyUsageServerAuth)
	c.ClientCert, c.ClientKey = leaf("client", 3, x509.ExtKeyUsageClientAuth)
	return c
}

// signer is who signs, and for whom.
type signer struct {
	authority *x509.Certificate
	key       *ecdsa.PrivateKey
	subject   *ecdsa.PrivateKey
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func writeCertificate(tb testing.TB, path string, c *x509.Certificate, by signer) {
	tb.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, by.authority, &by.subject.PublicKey, by.key)
	if err != nil {
		tb.Fatal(err)
	}
	writePEM(tb, path, "CERTIFICATE", der)
}

func writePEM(tb testing.TB, path, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// StartRedisTLS starts a server that takes only TLS with a client certificate
// on TCP, and only the users of the ACL rules. The password of the test's own
// connections is admin's.
func StartRedisTLS(tb testing.TB, binary string, acl ...string) *Redis {
	tb.Helper()
	certs := MakeCertificates(tb)
	port := FreePorts(tb, 1)[0]
	r := &Redis{TLSPort: port, Port: port, tls: certs, auth: []string{"admin", "admin-password"}}
	r.binary = binary
	r.dir = shortDir(tb)
	r.Socket = filepath.Join(r.dir, "s")
	rules := filepath.Join(r.dir, "users.acl")
	text := strings.Join(append([]string{"user default off", "user admin on >admin-password ~* &* +@all"}, acl...), "\n") + "\n"
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	r.args = []string{
		"--port", "0", "--tls-port", strconv.Itoa(port), "--bind", "127.0.0.1", "--unixsocket", r.Socket, "--save", "",
		"--tls-cert-file", certs.ServerCert, "--tls-key-file", certs.ServerKey, "--tls-ca-cert-file", certs.CA,
		"--tls-auth-clients", "yes", "--aclfile", rules, "--dir", r.dir,
	}
	r.start(tb)
	r.await(tb)
	return r
}

// Certificates are those of a server that was started with TLS.
func (r *Redis) Certificates() *Certificates { return r.tls }
