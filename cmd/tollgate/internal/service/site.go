package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

const socketPrefix = "unix://"

func isSocket(address string) bool { return strings.HasPrefix(address, socketPrefix) }

// site is one HTTP listener.
type site struct {
	listener net.Listener
	server   *http.Server
}

// newSite binds an HTTP listener for handler.
func newSite(ctx context.Context, l config.Listener, handler http.Handler) (*site, error) {
	listener, err := bind(ctx, l.Address)
	if err != nil {
		return nil, err
	}
	if l.TLS != nil {
		secure, err := secured(l.TLS)
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		listener = tls.NewListener(listener, secure)
	}
	return &site{listener: listener, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}}, nil
}

// bind listens on host:port or unix:///path. The socket file of a process that is
// gone is replaced, one that answers is left alone.
func bind(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	path, ok := strings.CutPrefix(address, socketPrefix)
	if !ok {
		return lc.Listen(ctx, "tcp", address)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket == 0 {
		return nil, fmt.Errorf("listen %s: there is a file that is no socket: remove it or choose another path", address)
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		return nil, errors.Join(fmt.Errorf("listen %s: another process is serving this socket", address), conn.Close())
	case errors.Is(err, syscall.ECONNREFUSED):
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	listener, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil { //nolint:gosec // contract section 3: the group may connect
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// secured reads the files at every handshake, so that a changed certificate counts
// at once; scrapes and probes are few.
func secured(files *config.TLS) (*tls.Config, error) {
	if _, err := tlsConfig(files); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return tlsConfig(files) },
	}, nil
}

func tlsConfig(files *config.TLS) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(string(files.Cert), string(files.Key))
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	if files.ClientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(string(files.ClientCA))
	if err != nil {
		return nil, err
	}
	c.ClientCAs, c.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate in it", files.ClientCA)
	}
	return c, nil
}

// serve answers until ctx ends.
func (s *site) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *site) close() error {
	if err := s.server.Close(); err != nil {
		return err
	}
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
