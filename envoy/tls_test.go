package envoy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// authority signs certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue gives a certificate and its key as PEM. A name with a scheme is a URI.
func (a *authority) issue(t *testing.T, serial int64, name string) (cert, key []byte) {
	t.Helper()
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if uri, err := url.Parse(name); err == nil && uri.Scheme != "" {
		template.URIs = []*url.URL{uri}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pair.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

// client gives the credentials of a client with a certificate of that name, or
// with none.
func (a *authority) client(t *testing.T, roots *authority, name string) *tls.Config {
	t.Helper()
	config := &tls.Config{ServerName: "tollgate.example", RootCAs: x509.NewCertPool()}
	config.RootCAs.AddCert(roots.cert)
	if name == "" {
		return config
	}
	pair, err := tls.X509KeyPair(a.issue(t, 9, name))
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config
}

// files writes the files of a listener.
type files struct {
	TLS
	t *testing.T
}

func newFiles(t *testing.T) *files {
	t.Helper()
	dir := t.TempDir()
	return &files{t: t, TLS: TLS{
		Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), ClientCA: filepath.Join(dir, "ca.pem"),
	}}
}

func (f *files) write(cert, key, ca []byte) {
	f.t.Helper()
	for path, data := range map[string][]byte{f.Cert: cert, f.Key: key, f.ClientCA: ca} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

// askTLS makes one call on a new connection.
func askTLS(t *testing.T, addr net.Addr, config *tls.Config) error {
	t.Helper()
	conn, err := grpc.NewClient(addr.String(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = NewClient(conn).Check(soon(t), get())
	return err
}

func TestMTLS(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	f := newFiles(t)
	cert, key := ours.issue(t, 1, "tollgate.example")
	f.write(cert, key, ours.pem)
	f.Peers = []string{"spiffe://example/front", "front.example"}
	r := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "127.0.0.1:0", TLS: &f.TLS}}})
	r.server.Ready()
	for name, test := range map[string]struct {
		by   *authority
		name string
		ok   bool
	}{
		"URI name":                {ours, "spiffe://example/front", true},
		"DNS name":                {ours, "front.example", true},
		"longer URI":              {ours, "spiffe://example/frontier", false},
		"URI above":               {ours, "spiffe://example", false},
		"other DNS name":          {ours, "other.example", false},
		"no certificate":          {ours, "", false},
		"certificate of somebody": {theirs, "front.example", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := askTLS(t, r.addr, test.by.client(t, ours, test.name))
			if test.ok && err != nil || !test.ok && status.Code(err) != codes.Unavailable {
				t.Errorf("error = %v", err)
			}
		})
	}
	if _, err := r.Check(soon(t), get()); status.Code(err) != codes.Unavailable {
		t.Errorf("plaintext: %v", err)
	}
}

// TestALPN: HTTP/2 is agreed on, or there is no connection.
func TestALPN(t *testing.T) {
	ours := newAuthority(t, "ours")
	f := newFiles(t)
	cert, key := ours.issue(t, 1, "tollgate.example")
	f.write(cert, key, ours.pem)
	r := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "127.0.0.1:0", TLS: &TLS{Cert: f.Cert, Key: f.Key}}}})
	handshake := func(protocols ...string) (string, error) {
		config := ours.client(t, ours, "")
		config.NextProtos = protocols
		dialer := &tls.Dialer{Config: config}
		conn, err := dialer.DialContext(soon(t), "tcp", r.addr.String())
		if err != nil {
			return "", err
		}
		defer conn.Close()
		_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); err != nil { // HTTP/2 servers speak first
			return "", err
		}
		return conn.(*tls.Conn).ConnectionState().NegotiatedProtocol, nil
	}
	if got, err := handshake("h2", "http/1.1"); got != "h2" || err != nil {
		t.Errorf("negotiated %q, %v", got, err)
	}
	for _, protocols := range [][]string{{"http/1.1"}, nil} {
		if got, err := handshake(protocols...); err == nil {
			t.Errorf("%v: negotiated %q", protocols, got)
		}
	}
}

// TestCertificatesAreFollowed: new files count for new connections, broken ones
// change nothing, and an authority that was taken away lets nobody in.
func TestCertificatesAreFollowed(t *testing.T) {
	ours, theirs := newAuthority(t, "ours"), newAuthority(t, "theirs")
	f := newFiles(t)
	cert, key := ours.issue(t, 1, "tollgate.example")
	f.write(cert, key, ours.pem)
	now := time.Now()
	var warned []string
	k := &keeper{files: &f.TLS, now: func() time.Time { return now }, warn: func(err error) { warned = append(warned, err.Error()) }}
	if err := k.load(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		leaf, err := x509.ParseCertificate(k.current().Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	first := k.current()
	newCert, newKey := ours.issue(t, 2, "tollgate.example")
	f.write(newCert, newKey, theirs.pem)
	if got := serial(); got != 1 {
		t.Errorf("looked again at once: serial %d", got)
	}
	now = now.Add(recheck)
	if got := serial(); got != 2 {
		t.Errorf("new files: serial %d", got)
	}
	if k.current().ClientCAs.Equal(first.ClientCAs) || !k.current().SessionTicketsDisabled {
		t.Error("the authority that was taken away still counts")
	}
	f.write(cert, newKey, theirs.pem) // half written
	for range 3 {
		now = now.Add(recheck)
		if got := serial(); got != 2 {
			t.Errorf("broken files: serial %d", got)
		}
	}
	if err := os.Remove(f.Key); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		now = now.Add(recheck)
		if got := serial(); got != 2 {
			t.Errorf("missing file: serial %d", got)
		}
	}
	if len(warned) != 2 || !strings.Contains(warned[0], "private key") || !strings.Contains(warned[1], "no such file") {
		t.Errorf("warnings = %q", warned)
	}
	f.write(cert, key, theirs.pem)
	now = now.Add(recheck)
	if got := serial(); got != 1 {
		t.Errorf("mended files: serial %d", got)
	}
}

// TestReloadedCertificateIsServed is the same over the wire.
func TestReloadedCertificateIsServed(t *testing.T) {
	ours, next := newAuthority(t, "ours"), newAuthority(t, "next")
	f := newFiles(t)
	cert, key := ours.issue(t, 1, "tollgate.example")
	f.write(cert, key, ours.pem)
	r := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "127.0.0.1:0", TLS: &f.TLS}}})
	r.server.Ready()
	if err := askTLS(t, r.addr, ours.client(t, ours, "front.example")); err != nil {
		t.Fatal(err)
	}
	cert, key = next.issue(t, 2, "tollgate.example")
	f.write(cert, key, next.pem)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if err := askTLS(t, r.addr, next.client(t, next, "front.example")); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the new certificate does not come: %v", err)
		}
	}
	if err := askTLS(t, r.addr, ours.client(t, next, "front.example")); status.Code(err) != codes.Unavailable {
		t.Errorf("a client of the old authority: %v", err)
	}
}

func TestTLSRefusesAtStart(t *testing.T) {
	ours := newAuthority(t, "ours")
	f := newFiles(t)
	cert, key := ours.issue(t, 1, "tollgate.example")
	_, other := ours.issue(t, 2, "tollgate.example")
	for name, test := range map[string]struct {
		tls           TLS
		cert, key, ca []byte
		want          string
	}{
		"key of another":       {TLS{Cert: f.Cert, Key: f.Key}, cert, other, nil, "private key does not match"},
		"no authority in it":   {f.TLS, cert, key, []byte("none"), "no certificate in it"},
		"names but no CA":      {TLS{Cert: f.Cert, Key: f.Key, Peers: []string{"a"}}, cert, key, nil, "need client_ca"},
		"missing file":         {TLS{Cert: f.Cert + ".none", Key: f.Key}, cert, key, nil, "no such file"},
		"no certificate given": {TLS{}, cert, key, nil, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			f.write(test.cert, test.key, test.ca)
			s := NewServer(New(deciderFunc(allowAll), Options{}), Config{Listeners: []Listener{{Address: "127.0.0.1:0", TLS: &test.tls}}})
			_, err := s.Listen(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Error("the error shows the file")
			}
		})
	}
}
