package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// storeSchemes are the kinds of stores (contract section 3, store).
func storeSchemes() []string {
	return []string{"memory", "file", "redis", "rediss", "redis+unix", "redis+sentinel", "redis+cluster"}
}

// storeURL checks the kind of the store. The URL itself is not shown: it may
// hold a password.
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
	kind, rest, ok := strings.Cut(url, ":")
	if userinfo(url) && v.ref == nil {
		c.warn(at, "the store's URL has a password in it", "write password: env://NAME or another reference beside url")
	}
	switch {
	case !ok || !slices.Contains(storeSchemes(), kind):
		instead := "write memory:, file:DIR, redis://HOST:PORT or another kind of store"
		if near := nearest(kind, storeSchemes()); ok && near != "" {
			instead = "did you mean " + near + ":?"
		}
		c.fault(at, "the store is of no known kind", instead)
	case kind == "file" && rest == "":
		c.fault(at, "file: names no directory", "write file:.tollgate")
	case strings.HasPrefix(kind, "redis") && !strings.HasPrefix(rest, "//"):
		c.fault(at, "the store has no host", "write "+kind+"://HOST:PORT")
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
	const shortest = 32 // characters
	if n := len(f.Admin.Secret.Bytes()); n > 0 && n < shortest {
		c.fault("/admin/secret", fmt.Sprintf("the secret has less than %d characters", shortest), "make one with: openssl rand -base64 32")
	}
	names := map[string]bool{}
	for i, t := range f.Admin.Tokens {
		at := fmt.Sprintf("/admin/tokens/%d", i)
		if n := len(t.Secret.Bytes()); n > 0 && n < shortest {
			c.fault(at+"/secret", fmt.Sprintf("the secret has less than %d characters", shortest), "make one with: openssl rand -base64 32")
		}
		if names[t.Name] {
			c.fault(at+"/name", "two tokens have the name "+quote(t.Name), "give each its own")
		}
		names[t.Name] = true
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
	paths := map[string]bool{}
	for i, e := range f.TokenEndpoints {
		at := fmt.Sprintf("/token_endpoints/%d", i)
		switch {
		case e.Path == "":
		case !strings.HasPrefix(e.Path, "/"):
			c.fault(at+"/path", "path begins without /", "write /"+e.Path)
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
		if u, err := url.Parse(e.Upstream.Text()); e.Upstream.Text() != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
			c.fault(at+"/upstream", "upstream is no URL", "write https://issuer.example/oauth/token")
		}
	}
}

// Dir gives the directory of a file: store, made relative to the working
// directory; ok is false for other stores.
func (s Store) Dir() (dir string, ok bool) {
	rest, ok := strings.CutPrefix(s.URL.Text(), "file:")
	if !ok {
		return "", false
	}
	return within(s.base, strings.TrimPrefix(filepath.FromSlash(rest), "//")), true
}
