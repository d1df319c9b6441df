package public

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Requests that an address may send in a minute without being a client: those
// that revoke where everyone may, and those that fail to prove who they are.
const (
	strangers      = 30
	strangersEvery = time.Minute
)

// clients are those who may introspect and revoke.
type clients struct {
	hashed map[string][sha256.Size]byte
	admit  *admission
	hops   int
}

func newClients(list []Client, s *Spec) *clients {
	c := &clients{
		hashed: make(map[string][sha256.Size]byte, len(list)), hops: s.TrustedHops,
		admit: newAdmission(strangers, strangersEvery, s.Now),
	}
	for _, one := range list {
		if len(one.Secret) > 0 {
			c.hashed[one.ID] = sha256.Sum256(one.Secret)
		}
	}
	return c
}

// admitted says whether a caller may go on, and answers where not: a client with
// its secret, or with open anybody where there are no clients.
func (c *clients) admitted(w http.ResponseWriter, r *http.Request, open bool) bool {
	if c.knows(r) {
		return true
	}
	if wait, ok := c.admit.take("", remote(r, c.hops)); !ok {
		slowDown(w, wait)
		return false
	}
	if open && len(c.hashed) == 0 {
		return true
	}
	challenge(w)
	return false
}

// knows says whether a request is authenticated as one of the clients by HTTP
// Basic (RFC 6749 section 2.3.1: id and secret are form-encoded first).
func (c *clients) knows(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) != 1 {
		return false
	}
	id, err1 := url.QueryUnescape(id)
	secret, err2 := url.QueryUnescape(secret)
	want, known := c.hashed[id]
	got := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(got[:], want[:]) == 1
	return known && same && err1 == nil && err2 == nil
}

// challenge refuses a caller that is none of the clients.
func challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Basic realm="tollgate"`)
	fail(w, http.StatusUnauthorized, "invalid_client", "a client's id and secret are needed, as HTTP Basic")
}

// clientOf is the client that a token request names; whether it is that client
// is the provider's to say, so this counts but opens nothing.
func clientOf(r *http.Request, f form) string {
	id, _, ok := r.BasicAuth()
	if !ok {
		return f.values["client_id"]
	}
	if plain, err := url.QueryUnescape(id); err == nil {
		return plain // one client has one name
	}
	return id
}

// remote is the address of a client: the connection's, or behind so many trusted
// hops that entry of X-Forwarded-For which the outermost of them wrote.
func remote(r *http.Request, hops int) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if hops <= 0 {
		return host
	}
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	at := len(list) - hops
	if at < 0 {
		return host
	}
	if ip := net.ParseIP(strings.TrimSpace(list[at])); ip != nil {
		return ip.String()
	}
	return host
}
