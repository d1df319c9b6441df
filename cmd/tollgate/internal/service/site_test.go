package service

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes cert.pem and key.pem with a serial number and gives the
// authority that signed them: they themselves.
func certify(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, filepath.Join(dir, "cert.pem"), string(cert))
	write(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

func TestMetricsOverTLSFollowTheFiles(t *testing.T) {
	dir := folder(t, strings.Replace(text, `metrics: "127.0.0.1:0"`, `metrics: {address: "127.0.0.1:0", tls: {cert: cert.pem, key: key.pem}}`, 1))
	certify(t, dir, 1)
	s := running(t, dir, io.Discard)
	url := "https://" + s.address(t, "metrics") + "/livez"
	for serial := int64(2); serial < 4; serial++ {
		pool := certify(t, dir, serial)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
		response, err := client.Get(url)
		if err != nil {
			t.Fatalf("certificate %d: %v", serial, err)
		}
		if got := response.TLS.PeerCertificates[0].SerialNumber.Int64(); got != serial {
			t.Errorf("certificate %d is shown, the file has %d", got, serial)
		}
		_ = response.Body.Close()
	}
}

func TestMetricsOnASocketThatWasLeftBehind(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.sock")
	// A listener that is closed without unlinking is what a killed process leaves.
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	s := running(t, folder(t, strings.Replace(text, `metrics: "127.0.0.1:0"`, `metrics: "unix://`+path+`"`, 1)), io.Discard)
	if got := s.address(t, "metrics"); got != "unix://"+path {
		t.Errorf("address %q", got)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
	if status, _ := get(t, client, "http://unix/livez"); status != 200 {
		t.Errorf("/livez: %d", status)
	}
	if _, err := bind(t.Context(), "unix://"+path); err == nil {
		t.Error("a socket that answers was taken over")
	}
}

// A path that holds a file of somebody's is left alone.
func TestSocketInThePlaceOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	write(t, path, "kept")
	if l, err := bind(t.Context(), socketPrefix+path); err == nil {
		t.Error("it is bound", l.Close())
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "kept" {
		t.Errorf("the file has %q now, %v", text, err)
	}
}
