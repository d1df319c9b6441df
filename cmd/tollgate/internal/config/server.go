package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// server is a key-value service that values are read from.
type server struct {
	base   *url.URL
	header http.Header
	client *http.Client
}

// tlsFiles are the TLS settings of a server, as its variables give them.
type tlsFiles struct {
	ca, cert, key string
	name          string
	unverified    bool
}

// newServer makes a server of its address: a URL, or unix:///path.
func newServer(address string, files tlsFiles) (*server, error) {
	if files.unverified {
		return nil, errors.New("its certificate would not be verified: name the authority's file instead")
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("it is no URL") // the URL may hold a password
	}
	verify, err := files.config()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: verify, MaxIdleConnsPerHost: 4}
	switch u.Scheme {
	case "http", "https":
	case "unix":
		socket := u.Path
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}
		u = &url.URL{Scheme: "http", Host: "localhost"}
	default:
		return nil, errors.New("it is no http or https URL")
	}
	return &server{base: u, header: http.Header{}, client: &http.Client{Transport: transport, CheckRedirect: redirected}}, nil
}

// redirected follows one redirect, as from a standby to the leader, and never
// from TLS to plain text: the token goes along.
func redirected(to *http.Request, via []*http.Request) error {
	if len(via) > 1 {
		return errors.New("more than one redirect")
	}
	if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return errors.New("a redirect away from TLS")
	}
	return nil
}

// config reads the files.
func (f tlsFiles) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.name}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("the authority's file %s %w", f.ca, cause(err))
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the authority's file %s holds no certificate", f.ca)
		}
	}
	if f.cert != "" || f.key != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, errors.New("the client certificate and its key cannot be used")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// request is one request to a server.
type request struct {
	method, path string
	header       http.Header
	body         io.Reader
}

// do sends a request and gives status and body. Errors name no part of the
// request: it may hold a secret.
func (s *server) do(ctx context.Context, r request) (status int, body []byte, err error) {
	target := strings.TrimSuffix(s.base.String(), "/") + r.path
	req, err := http.NewRequestWithContext(ctx, r.method, target, r.body)
	if err != nil {
		return 0, nil, errors.New("cannot be asked for")
	}
	req.Header = s.header.Clone()
	maps.Copy(req.Header, r.header)
	answer, err := s.client.Do(req)
	if err != nil {
		return 0, nil, transient{unreachable(err)}
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxValue+1))
	switch {
	case err != nil:
		return 0, nil, transient{errors.New("has an answer that breaks off")}
	case len(body) > maxValue:
		return 0, nil, fmt.Errorf("has more than %d bytes", maxValue)
	}
	return answer.StatusCode, body, nil
}

// unreachable says why a server cannot be asked.
func unreachable(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New("cannot be read in time")
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("cannot be asked for: %w", e.Err)
	}
	return errors.New("cannot be asked for")
}

// get gives a variable, "" when it is not set.
func get(env func(string) (string, bool), name string) string {
	value, _ := env(name)
	return value
}

// truthy reads the switches of Vault's and Consul's variables.
func truthy(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "t", "yes", "on":
		return true
	}
	return false
}
