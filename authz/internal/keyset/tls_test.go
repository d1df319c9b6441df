package keyset

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// authority issues certificates for servers and clients.
type authority struct {
	private crypto.Signer
	cert    *x509.Certificate
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private))
	return authority{private: private, cert: must(x509.ParseCertificate(der))}
}

func (a authority) issue(names []string, ips ...net.IP) (cert, key []byte) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names, IPAddresses: ips,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.private))
	return block("CERTIFICATE", der), block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(private)))
}

func (a authority) pem() []byte { return block("CERTIFICATE", a.cert.Raw) }

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// https serves document on loopback with a certificate of these names.
func https(t *testing.T, a authority, document string, clients *x509.CertPool, names []string, ips ...net.IP) *httptest.Server {
	t.Helper()
	cert, key := a.issue(names, ips...)
	s := httptest.NewUnstartedServer(serve(document))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes are what is tested
	s.TLS = &tls.Config{Certificates: []tls.Certificate{must(tls.X509KeyPair(cert, key))}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		s.TLS.ClientCAs, s.TLS.ClientAuth = clients, tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func stateOf(t *testing.T, o Options) State {
	t.Helper()
	pool := NewPool(PoolConfig{})
	defer pool.Close()
	r, err := pool.Lease().Remote(o)
	if err != nil {
		t.Fatal(err)
	}
	<-r.Tried()
	return r.State()
}

func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	document := set(newSigner("k").jwk())
	loopback := net.IPv4(127, 0, 0, 1)
	good := https(t, ca, document, nil, nil, loopback)
	wrong := https(t, ca, document, nil, []string{"other.example"})
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	mutual := https(t, ca, document, pool, nil, loopback)
	caFile, otherFile := write(t, "ca.pem", ca.pem()), write(t, "other.pem", other.pem())
	cert, key := ca.issue([]string{"client"})
	certFile, keyFile := write(t, "cert.pem", cert), write(t, "key.pem", key)
	for _, tt := range []struct {
		name string
		o    Options
		want string // "" for keys
	}{
		{"private authority", Options{URL: good.URL, CA: caFile}, ""},
		{"unknown authority", Options{URL: good.URL}, "certificate"},
		{"another authority", Options{URL: good.URL, CA: otherFile}, "certificate"},
		{"certificate of another name", Options{URL: wrong.URL, CA: caFile}, "certificate"},
		{"insecure_http does not weaken TLS", Options{URL: good.URL, InsecureHTTP: true}, "certificate"},
		{"client certificate", Options{URL: mutual.URL, CA: caFile, Cert: certFile, Key: keyFile}, ""},
		{"no client certificate", Options{URL: mutual.URL, CA: caFile}, "certificate required"},
	} {
		state := stateOf(t, tt.o)
		if state.Ready != (tt.want == "") || !strings.Contains(state.LastError, tt.want) {
			t.Errorf("%s: ready %v, %q, want %q", tt.name, state.Ready, state.LastError, tt.want)
		}
	}
}

// The files of TLS are read at every fetch: a new authority needs no restart,
// and one that cannot be read any more keeps the keys.
func TestTLSFilesAreFollowed(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	server := https(t, ca, set(newSigner("k").jwk()), nil, nil, net.IPv4(127, 0, 0, 1))
	path := write(t, "ca.pem", other.pem())
	done := make(chan Fetch)
	pool := NewPool(PoolConfig{Fetched: func(f Fetch) { done <- f }})
	r, err := pool.Lease().Remote(Options{URL: server.URL, CA: path, Refresh: time.Second, Cooldown: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if f := <-done; f.Err == nil {
		t.Error("a foreign authority was trusted")
	}
	for _, step := range []struct {
		text  []byte
		works bool
	}{{ca.pem(), true}, {[]byte("broken"), false}, {ca.pem(), true}} {
		if err := os.WriteFile(path, step.text, 0o600); err != nil {
			t.Fatal(err)
		}
		<-done // a fetch that may have begun before the change
		if f := <-done; (f.Err == nil) != step.works {
			t.Errorf("after the change: %v", f.Err)
		}
		if !r.State().Ready {
			t.Error("no keys")
		}
	}
	go func() { // the hook must not block the end
		for range done {
		}
	}()
	pool.Close()
	close(done)
}

func TestProxy(t *testing.T) {
	document := set(newSigner("k").jwk())
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.RequestURI)
		serve(document)(w, r)
	}))
	defer proxy.Close()
	state := stateOf(t, Options{URL: "http://issuer.example/keys", InsecureHTTP: true, Proxy: proxy.URL, DenyPrivate: true})
	if !state.Ready || asked.Load() != "http://issuer.example/keys" {
		t.Errorf("ready %v, asked for %v: %s", state.Ready, asked.Load(), state.LastError)
	}
}
