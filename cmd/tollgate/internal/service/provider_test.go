package service

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// The authorities of a token endpoint are followed, as those of all else are.
func TestAuthoritiesOfAProviderAreFollowed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	certify(t, dir, 1)
	certify(t, other, 2)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	provider := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	provider.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	provider.Config.ErrorLog = log.New(io.Discard, "", 0)
	provider.StartTLS()
	defer provider.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	trust := func(from string) {
		t.Helper()
		pem, err := os.ReadFile(filepath.Join(from, "cert.pem"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, ca, string(pem))
	}
	trust(other)
	e, err := endpointOf(&config.TokenEndpoint{CA: config.PEMPath(ca)})
	if err != nil {
		t.Fatal(err)
	}
	ask := func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, provider.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := e.Transport.RoundTrip(r)
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	}
	if ask() {
		t.Error("a provider of another authority is trusted")
	}
	trust(dir)
	if !ask() {
		t.Error("a new authority is not trusted")
	}
	trust(other)
	if ask() {
		t.Error("an old authority is trusted still")
	}
	write(t, ca, "no certificate")
	if ask() {
		t.Error("without any authority it is trusted")
	}
}
