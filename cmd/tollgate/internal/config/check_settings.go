package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// storeURL checks the URL of the store. It is not shown: it may hold a password.
func (c *checker) storeURL(v Value) {
	const at = "/store/url"
	if v.ref != nil && v.ref.scheme == schemeFile {
		c.fault(at, "file:// names a file that holds the value", "write file:DIR for a store in a directory")
		return
	}
	url := v.Text()
	if url == "" { // not resolved, which is reported already
		return
	}
	if userinfo(url) && v.ref == nil {
		c.warn(at, "the store's URL has a password in it", "write password: env://NAME or another reference beside url")
	}
	if _, err := store.ParseURL(url); err != nil {
		what, instead, _ := strings.Cut(strings.TrimPrefix(err.Error(), "store: "), ": ")
		kinds := []string{"memory", "file", "redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster"}
		kind, _, _ := strings.Cut(url, ":")
		if near := nearest(kind, kinds); near != "" && !slices.Contains(kinds, kind) {
			instead = "did you mean " + near + ":?"
		}
		c.fault(at, what, instead)
	}
}

// seals checks the keyring.
func (c *checker) seals(s *Seal) {
	ids := map[string]bool{}
	for i, k := range s.Keys {
		at := fmt.Sprintf("/seal/keys/%d", i)
		if ids[k.ID] {
			c.fault(at+"/id", "two keys have the id "+quote(k.ID), "give each its own")
		}
		ids[k.ID] = true
		if k.Key.Bytes() == nil { // not resolved, which is reported already
			continue
		}
		if _, err := seal.ParseKey("key", string(k.Key.Bytes())); err != nil {
			c.fault(at+"/key", strings.TrimPrefix(err.Error(), "seal key key: "), "write 32 bytes in base64")
		}
	}
}

// userinfo says whether a URL has a password.
func userinfo(written string) bool {
	_, rest, ok := strings.Cut(written, "://")
	user, _, at := strings.Cut(rest, "@")
	return ok && at && strings.Contains(user, ":") && !strings.Contains(user, "/")
}

// admin checks what the admin API needs beside its features.
func (c *checker) admin(f *File) {
	if len(f.Admin.MTLS) > 0 && !f.Listen.Admin.IsOff() && (f.Listen.Admin.TLS == nil || f.Listen.Admin.TLS.ClientCA == "") {
		c.fault("/admin/mtls", "client certificates need an authority", "add tls: {cert, key, client_ca} to listen.admin")
	}
	if n := len(f.Admin.Secret.Bytes()); n > 0 && n < shortest {
		c.fault("/admin/secret", tooShort, another)
	}
	c.adminTokens(&f.Admin)
	for i, p := range f.Admin.MTLS {
		if p.SAN == "" {
			c.fault(fmt.Sprintf("/admin/mtls/%d/san", i), "the certificate has no name", "write a subject alternative name of it")
		}
	}
}

// limits checks the limits of the top of the file.
func (c *checker) limits(l *Limits) {
	if len(l.Headers) > 1 {
		c.fault("/limits/headers", "more than one kind of headers", "write one: [x-ratelimit], [ietf] or [none]")
	}
}

// endpoints checks the token endpoints.
func (c *checker) endpoints(f *File) {
	ids := make([]string, len(f.APIs))
	for i := range f.APIs {
		ids[i] = f.APIs[i].ID
	}
	c.clients(f.TokenEndpoints)
	paths := map[string]bool{}
	for i, e := range f.TokenEndpoints {
		at := fmt.Sprintf("/token_endpoints/%d", i)
		switch {
		case e.Path == "":
		case !strings.HasPrefix(e.Path, "/"):
			c.fault(at+"/path", "path begins without /", "write /"+e.Path)
		case e.Path == "/revoke", e.Path == "/introspect", strings.HasPrefix(e.Path, "/.well-known/"):
			c.fault(at+"/path", e.Path+" has a meaning already", "write /token")
		case paths[e.Path]:
			c.fault(at+"/path", "two endpoints have the path "+quote(e.Path), "give each its own")
		}
		paths[e.Path] = true
		if e.API != "" && !slices.Contains(ids, e.API) {
			instead := "write the id of an API"
			if near := nearest(e.API, ids); near != "" {
				instead = "did you mean " + near + "?"
			}
			c.fault(at+"/api", "there is no API "+quote(e.API), instead)
		}
		if k := slices.Index(ids, e.API); k >= 0 && (f.APIs[k].Split.Mode == "" || f.APIs[k].Split.Mode == "none") {
			c.fault(at+"/api", "the API "+quote(e.API)+" takes no split tokens", "write split: allowed there")
		}
		c.upstream(at+"/upstream", e.Upstream.Text())
	}
}

// upstream checks the URL of an issuer's token endpoint. It is not shown.
func (c *checker) upstream(at, written string) {
	if written == "" { // not resolved, which is reported already
		return
	}
	switch u, err := url.Parse(written); {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		c.fault(at, "upstream is no URL", "write https://issuer.example/oauth/token")
	case u.User != nil:
		c.fault(at, "upstream has a user name or password, which every client would use", "take it out: each client proves itself")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		c.fault(at, "upstream would get the secrets of clients in plain text", "write https://"+u.Host+u.Path)
	}
}

// Address takes the URL of the store apart, with user and password that stand
// beside it, and a directory made relative to the working directory.
func (s Store) Address() (store.Address, error) {
	a, err := store.ParseURL(s.URL.Text())
	if err != nil {
		return store.Address{}, err
	}
	if a.Scheme == store.SchemeFile {
		a.Path = within(s.base, a.Path)
	}
	if !s.Username.IsZero() {
		a.Username = s.Username.Text()
	}
	if !s.Password.IsZero() {
		a.Password = string(s.Password.Bytes())
	}
	return a, nil
}
