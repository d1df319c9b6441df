package service

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/public"
)

// provider asks a provider whose certificate an authority of a file has signed. The
// file is read for every request: those are few, and what it says now counts.
type provider struct {
	path string

	mutex     sync.Mutex
	pem       []byte // that transport trusts
	transport *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	transport, err := p.trusting()
	if err != nil {
		if r.Body != nil {
			r.Body.Close() //nolint:errcheck,gosec // nothing of it was read
		}
		return nil, err
	}
	return transport.RoundTrip(r)
}

// trusting is the transport for what the file says.
func (p *provider) trusting() (*http.Transport, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	pem, err := os.ReadFile(p.path)
	if err != nil {
		return nil, err
	}
	if p.transport != nil && bytes.Equal(pem, p.pem) {
		return p.transport, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", p.path)
	}
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
	p.pem, p.transport = pem, public.Transport()
	p.transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return p.transport, nil
}
