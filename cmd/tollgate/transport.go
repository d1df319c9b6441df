package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/credentials"
)

// transportFlags say how the listeners of a running service are reached: in
// plaintext while none is given.
type transportFlags struct {
	system              bool
	ca, name, cert, key string
}

func (f *transportFlags) add(set *pflag.FlagSet) {
	set.BoolVar(&f.system, "tls", false, "over TLS, verified with the roots of the system")
	set.StringVar(&f.ca, "ca", "", "over TLS, verified with this PEM file")
	set.StringVar(&f.name, "server-name", "", "name in the certificate, where it is not the address")
	set.StringVar(&f.cert, "client-cert", "", "certificate to show, where the listener has client_ca")
	set.StringVar(&f.key, "client-key", "", "its key")
}

// given says whether any flag is.
func (f *transportFlags) given() bool { return *f != transportFlags{} }

// settings reads the files; nil without an error is plaintext.
func (f *transportFlags) settings() (*tls.Config, error) {
	if !f.given() {
		return nil, nil
	}
	if !f.system && f.ca == "" {
		return nil, usage("--server-name, --client-cert and --client-key go with --tls or --ca")
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.name}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, usage("--ca: %w", err)
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usage("--ca: %s holds no certificate", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, usage("--client-cert and --client-key: give both")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, usage("--client-cert: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}

// credentials are the same for gRPC; nil is plaintext.
func (f *transportFlags) credentials() (credentials.TransportCredentials, error) {
	settings, err := f.settings()
	if settings == nil || err != nil {
		return nil, err
	}
	return credentials.NewTLS(settings), nil
}
