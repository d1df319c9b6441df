package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs client certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: cert, key: key}
}

// client makes a certificate with one name; until ends it.
func (a *authority) client(t *testing.T, name string, until time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(8), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if uri, err := url.Parse(name); err == nil && uri.Scheme != "" {
		template.URIs = []*url.URL{uri}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A client certificate stands for a caller by its name: through the listener
// itself, when its client_ca signed it, and with the role of that name only.
func TestAdminTakesClientCertificates(t *testing.T) {
	log := &journal{}
	dir := folder(t, `
version: 1
listen:
  check: "127.0.0.1:0"
  admin: {address: "127.0.0.1:0", tls: {cert: cert.pem, key: key.pem, client_ca: clients.pem}}
drain: {delay: 0s, timeout: 5s}
store: {url: "memory:", timeout: 5s}
admin:
  tokens: [{name: ops, secret: file://ops.token, role: write}]
  mtls: [{san: "spiffe://example/ops", role: write}, {san: eyes.example, role: read}]
apis:
  - {id: orders, match: [{host: "*", path: /orders}], keys: [{credentials: true}], claims: {insecure_any_audience: true}}
policies: [{id: basic, access: {orders: {allow: all}}}]
`)
	pool := certify(t, dir, 1)
	ours, others := newAuthority(t), newAuthority(t)
	write(t, filepath.Join(dir, "clients.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ours.cert.Raw})))
	write(t, filepath.Join(dir, "ops.token"), opsToken)
	s := running(t, dir, log)
	later := time.Now().Add(time.Hour)
	reads, writes := "GET /v1/status", "POST /v1/keys"
	for _, c := range []struct {
		name, call, token string
		cert              *tls.Certificate
		want              int // 0: not even a handshake
	}{
		{"ops reads", reads, "", ours.client(t, "spiffe://example/ops", later), 200},
		{"ops writes", writes, "", ours.client(t, "spiffe://example/ops", later), 200},
		{"eyes reads", reads, "", ours.client(t, "eyes.example", later), 200},
		{"eyes writes", writes, "", ours.client(t, "eyes.example", later), 403},
		{"a name that is not listed", reads, "", ours.client(t, "spiffe://example/ops2", later), 401},
		{"the name in another kind", reads, "", ours.client(t, "ops", later), 401},
		{"a wildcard", reads, "", ours.client(t, "*.example", later), 401},
		{"the name by another authority", reads, "", others.client(t, "spiffe://example/ops", later), 0},
		{"one that has ended", reads, "", ours.client(t, "spiffe://example/ops", time.Now().Add(-time.Minute)), 0},
		{"a token without a certificate", reads, opsToken, nil, 0}, // client_ca asks everybody for one
		{"a token beside a certificate that is not listed", reads, opsToken, ours.client(t, "another.example", later), 200},
		{"a wrong token beside a right certificate", reads, "x" + opsToken, ours.client(t, "spiffe://example/ops", later), 401},
	} {
		config := &tls.Config{RootCAs: pool}
		if c.cert != nil {
			config.Certificates = []tls.Certificate{*c.cert}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		method, path, _ := strings.Cut(c.call, " ")
		body := ""
		if method == "POST" {
			body = `{"key": {"policies": ["basic"]}}`
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "https://"+s.address(t, "admin")+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		response, err := client.Do(req)
		got := 0
		if err == nil {
			got = response.StatusCode
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		if got != c.want {
			t.Errorf("%s: %d, not %d (%v)", c.name, got, c.want, err)
		}
	}
	for _, said := range []string{`who=spiffe://example/ops role=write`, `who=eyes.example role=read`} {
		if !strings.Contains(strings.ReplaceAll(log.String(), `"`, ""), said) && !strings.Contains(log.String(), strings.NewReplacer("who=", `"who":"`, " role=", `","role":"`).Replace(said)+`"`) {
			t.Errorf("the audit log does not tell %s", said)
		}
	}
}
