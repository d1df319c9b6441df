package envoy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// TLS is how a listener proves itself and, with ClientCA, whom it lets in. The
// files are PEM and are followed: a change counts from the next handshake on.
type TLS struct {
	Cert, Key string
	ClientCA  string   // "": clients need no certificate
	Peers     []string // exact URI or DNS names that a client certificate must have one of; nil: any
}

// recheck is how long files that were looked at are taken as unchanged.
const recheck = time.Second

// credentials loads the files and follows them.
func (t *TLS) credentials(warn func(error)) (credentials.TransportCredentials, error) {
	if len(t.Peers) > 0 && t.ClientCA == "" {
		return nil, errors.New("tls: names of clients need client_ca: nobody else checks who signed them")
	}
	k := &keeper{files: t, now: time.Now, warn: warn}
	if err := k.load(); err != nil {
		return nil, err
	}
	return credentials.NewTLS(&tls.Config{
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"h2"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.current(), nil },
	}), nil
}

// keeper holds the TLS configuration made of files, and makes it anew when they
// change. Files that are broken or half written leave the last good one in place.
type keeper struct {
	files *TLS
	now   func() time.Time
	warn  func(error)

	mu      sync.Mutex
	config  *tls.Config
	content [][]byte // of the files that config or the last warning was made from
	looked  time.Time
}

// current gives the configuration for the next handshake.
func (k *keeper) current() *tls.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if now.Sub(k.looked) < recheck && !now.Before(k.looked) {
		return k.config
	}
	k.looked = now
	if err := k.reload(); err != nil && k.warn != nil {
		k.warn(fmt.Errorf("certificates were not reloaded: %w", err))
	}
	return k.config
}

// load makes the first configuration.
func (k *keeper) load() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked = k.now()
	return k.reload()
}

// reload reads the files and, when any has changed, makes a configuration. A
// fault is reported once per content.
func (k *keeper) reload() error {
	content, err := k.read()
	if err != nil {
		content = [][]byte{[]byte(err.Error())}
	}
	if slices.EqualFunc(content, k.content, bytes.Equal) {
		return nil
	}
	k.content = content
	if err != nil {
		return err
	}
	config, err := k.files.config(content)
	if err != nil {
		return err
	}
	k.config = config
	return nil
}

// read gives the content of the certificate, the key and the authorities.
func (k *keeper) read() ([][]byte, error) {
	var content [][]byte
	for _, path := range []string{k.files.Cert, k.files.Key, k.files.ClientCA} {
		if path == "" {
			content = append(content, nil)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		content = append(content, data)
	}
	return content, nil
}

// config builds the configuration of one content of the files.
func (t *TLS) config(content [][]byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(content[0], content[1])
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", t.Cert, t.Key, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2"},
		Certificates: []tls.Certificate{pair},
		// A resumed session would not look at authorities that have changed.
		SessionTicketsDisabled: true,
	}
	if t.ClientCA == "" {
		return config, nil
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(content[2]) {
		return nil, fmt.Errorf("%s: no certificate in it", t.ClientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	if len(t.Peers) > 0 {
		config.VerifyConnection = t.verifyPeer
	}
	return config, nil
}

// verifyPeer wants one of the configured names, whole: a prefix is another name.
func (t *TLS) verifyPeer(state tls.ConnectionState) error {
	for _, cert := range state.PeerCertificates[:min(1, len(state.PeerCertificates))] {
		for _, uri := range cert.URIs {
			if slices.Contains(t.Peers, uri.String()) {
				return nil
			}
		}
		for _, name := range cert.DNSNames {
			if slices.Contains(t.Peers, name) {
				return nil
			}
		}
	}
	return errors.New("tls: the client's certificate has none of the names that may connect")
}
