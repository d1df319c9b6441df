package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"
)

// dialTimeout is how long a connection may take to come about, TLS included, or
// the budget of a call where that is longer. It happens in the background: no
// call waits for it longer than its budget.
const dialTimeout = 500 * time.Millisecond

// dialer connects to servers and sentinels.
type dialer struct {
	tls     TLS
	on      bool
	timeout time.Duration
	from    net.Dialer
}

func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	conn, err := d.from.DialContext(ctx, network, addr)
	if err != nil || !d.on {
		return conn, err
	}
	conf, err := d.tls.config(addr)
	if err == nil {
		secure := tls.Client(conn, conf)
		if err = secure.HandshakeContext(ctx); err == nil {
			return secure, nil
		}
	}
	conn.Close() // the first error counts
	return nil, fmt.Errorf("tls with %s: %w", addr, err)
}

// config reads the files anew.
func (t TLS) config(addr string) (*tls.Config, error) {
	conf := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if conf.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		conf.ServerName = host
	}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate in PEM", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
