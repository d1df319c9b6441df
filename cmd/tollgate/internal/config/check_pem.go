package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// pemFiles checks every certificate, key and authority that the file names.
func (c *checker) pemFiles(f *File) {
	for _, l := range []struct {
		name string
		tls  *TLS
	}{
		{"check", f.Listen.Check.TLS},
		{"public", f.Listen.Public.TLS},
		{"admin", f.Listen.Admin.TLS},
		{"metrics", f.Listen.Metrics.TLS},
	} {
		if l.tls != nil {
			at := "/listen/" + l.name + "/tls"
			c.pair(at, l.tls.Cert, l.tls.Key)
			c.authorities(at+"/client_ca", l.tls.ClientCA)
		}
	}
	c.pair("/store", f.Store.Cert, f.Store.Key)
	c.authorities("/store/ca", f.Store.CA)
	for i := range f.APIs {
		for j := range f.APIs[i].Keys {
			k, at := &f.APIs[i].Keys[j], fmt.Sprintf("/apis/%d/keys/%d", i, j)
			c.pair(at, k.Cert, k.Key)
			c.authorities(at+"/ca", k.CA)
		}
	}
	for i := range f.TokenEndpoints {
		c.authorities(fmt.Sprintf("/token_endpoints/%d/ca", i), f.TokenEndpoints[i].CA)
	}
}

// pair checks a certificate and the key that belongs to it.
func (c *checker) pair(at string, cert, key PEMPath) {
	switch {
	case cert == "" && key == "":
		return
	case cert == "":
		c.fault(at+"/cert", "key stands without cert", "add cert: PATH")
		return
	case key == "":
		c.fault(at+"/key", "cert stands without key", "add key: PATH")
		return
	}
	certPEM := c.pem(at+"/cert", cert)
	keyPEM := c.pem(at+"/key", key)
	if certPEM == nil || keyPEM == nil {
		return
	}
	if err := certificates(certPEM); err != nil {
		c.fault(at+"/cert", string(cert)+" "+err.Error(), "name a PEM file with the certificate first")
		return
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		c.fault(at+"/key", string(key)+" holds no key for the certificate", "name the PEM file of the key that the certificate was made for")
	}
}

// authorities checks a file of certificate authorities.
func (c *checker) authorities(at string, path PEMPath) {
	if path == "" {
		return
	}
	data := c.pem(at, path)
	if data == nil {
		return
	}
	if err := certificates(data); err != nil {
		c.fault(at, string(path)+" "+err.Error(), "name a PEM file of certificates")
	}
}

// pem reads a file, nil when it cannot be read.
func (c *checker) pem(at string, path PEMPath) []byte {
	data, _, err := readWhole(string(path), maxValue)
	if err != nil {
		c.fault(at, string(path)+" "+err.Error(), "give the path of a PEM file that can be read")
		return nil
	}
	return data
}

// certificates checks that a PEM file holds certificates that can be read.
func certificates(data []byte) error {
	found := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return errors.New("holds a certificate that cannot be read")
		}
		found = true
	}
	if !found {
		return errors.New("holds no certificate")
	}
	return nil
}
