package keyset

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// fetchTimeout bounds one whole fetch, discovery and redirects included.
	fetchTimeout = 10 * time.Second
	maxRedirects = 3
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// client makes the HTTP client of one fetch: files are read afresh, and no
// connection outlives the fetch, which comes once in minutes.
func (o Options) client(dial dialFunc) (*http.Client, error) {
	config, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy:                  o.proxy,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    connectTimeout,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if dial != nil {
				return dial(ctx, network, address)
			}
			return o.guardFor(address).dial(ctx, network, address)
		},
	}
	return &http.Client{Transport: t, CheckRedirect: o.redirect}, nil
}

func (o Options) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		text, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca: %s holds no certificate", o.CA)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("cert and key belong together: write both")
	}
	if o.Cert != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// proxy gives the configured proxy, else that of the environment.
func (o Options) proxy(r *http.Request) (*url.URL, error) {
	if o.Proxy != "" {
		return url.Parse(o.Proxy)
	}
	return http.ProxyFromEnvironment(r)
}

// guardFor gives the guard for one address to connect to. A proxy may stand on
// a private address; what it connects to is its own affair.
func (o Options) guardFor(address string) guard {
	g := o.guard()
	origin, err := url.Parse(o.URL + o.Discover)
	if err != nil {
		return guard{denyPrivate: true, loopbackOnly: true}
	}
	via, err := o.proxy(&http.Request{URL: origin})
	if err == nil && via != nil && strings.HasPrefix(address, via.Hostname()+":") {
		return guard{}
	}
	g.loopbackOnly = origin.Scheme == "http" && !o.InsecureHTTP
	return g
}

// redirect follows at most three redirects that stay on the host and do not
// leave TLS (S-073).
func (o Options) redirect(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("more than 3 redirects")
	case next.URL.Scheme != first.Scheme && next.URL.Scheme != "https":
		return errors.New("redirected to another scheme")
	case !strings.EqualFold(next.URL.Hostname(), first.Hostname()):
		return errors.New("redirected to another host")
	case next.URL.Scheme == first.Scheme && next.URL.Port() != first.Port():
		return errors.New("redirected to another port")
	}
	return nil
}
