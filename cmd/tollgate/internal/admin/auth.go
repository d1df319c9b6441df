package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// Role is what a caller may do.
type Role string

// The roles. A writer may read.
const (
	Read  Role = "read"
	Write Role = "write"
)

// may says whether the role covers need.
func (r Role) may(need Role) bool { return r == Write || (r == Read && need == Read) }

// MinToken is the least length of an admin token in bytes.
const MinToken = 32

// Token is one admin token.
type Token struct {
	Name   string
	Secret []byte
	Role   Role
}

// Peer is one client certificate that may call, by a SAN of it: a URI as it
// stands, or a DNS name.
type Peer struct {
	SAN  string
	Role Role
}

// Auth says who may call. It never changes; Server.SetAuth exchanges it.
type Auth struct {
	tokens []hashedToken
	peers  []Peer
}

// hashedToken keeps the hash only, so that a dump of the process is no key.
type hashedToken struct {
	name string
	hash [sha256.Size]byte
	role Role
}

// NewAuth makes an Auth. Every token has at least MinToken bytes and a name of
// its own.
func NewAuth(tokens []Token, peers []Peer) (*Auth, error) {
	a := &Auth{peers: slices.Clone(peers)}
	names := map[string]bool{}
	var problems []error
	for i, t := range tokens {
		switch {
		case len(t.Secret) < MinToken:
			problems = append(problems, fmt.Errorf("admin token %d (%s): %d bytes: at least %d", i, t.Name, len(t.Secret), MinToken))
		case t.Role != Read && t.Role != Write:
			problems = append(problems, fmt.Errorf("admin token %d (%s): role %q: read or write", i, t.Name, t.Role))
		case t.Name == "" || names[t.Name]:
			problems = append(problems, fmt.Errorf("admin token %d: name %q: each needs one of its own", i, t.Name))
		}
		names[t.Name] = true
		a.tokens = append(a.tokens, hashedToken{name: t.Name, hash: sha256.Sum256(t.Secret), role: t.Role})
	}
	for i, p := range peers {
		if p.SAN == "" || (p.Role != Read && p.Role != Write) {
			problems = append(problems, fmt.Errorf("admin mtls %d: a san and a role (read or write) are needed", i))
		}
	}
	return a, errors.Join(problems...)
}

// Caller is who calls.
type Caller struct {
	Name string // of the token, or the SAN
	Role Role
}

// byToken finds the caller of a secret. Every token is compared, whole and in
// constant time, so that time tells nothing.
func (a *Auth) byToken(secret string) (Caller, bool) {
	hash := sha256.Sum256([]byte(secret))
	var who Caller
	found := 0
	for _, t := range a.tokens {
		same := subtle.ConstantTimeCompare(hash[:], t.hash[:])
		if same == 1 {
			who = Caller{Name: t.name, Role: t.role}
		}
		found |= same
	}
	return who, found == 1
}

// byPeer finds the caller of a client certificate that the listener has
// verified against its client_ca.
func (a *Auth) byPeer(r *http.Request) (Caller, bool) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Caller{}, false
	}
	leaf := r.TLS.VerifiedChains[0][0]
	for _, p := range a.peers {
		for _, u := range leaf.URIs {
			if u.String() == p.SAN {
				return Caller{Name: p.SAN, Role: p.Role}, true
			}
		}
		if slices.Contains(leaf.DNSNames, p.SAN) {
			return Caller{Name: p.SAN, Role: p.Role}, true
		}
	}
	return Caller{}, false
}

// secretOf is the admin token of a request: a bearer, or Tyk's own header on
// Tyk's own paths. Two of them are none.
func secretOf(r *http.Request) (secret string, given bool) {
	var all []string
	for _, v := range r.Header.Values("Authorization") {
		scheme, rest, ok := strings.Cut(v, " ")
		if !ok || !strings.EqualFold(scheme, "bearer") {
			return "", true
		}
		all = append(all, rest)
	}
	if strings.HasPrefix(r.URL.Path, tykPrefix) {
		all = append(all, r.Header.Values("X-Tyk-Authorization")...)
	}
	switch len(all) {
	case 0:
		return "", false
	case 1:
		return all[0], true
	}
	return "", true
}

// identify says who calls.
func (a *Auth) identify(r *http.Request) (who Caller, known, given bool) {
	secret, given := secretOf(r)
	if given {
		who, known = a.byToken(secret)
		return who, known, true
	}
	who, known = a.byPeer(r)
	return who, known, known
}

// holder is an Auth that can be exchanged.
type holder struct{ auth atomic.Pointer[Auth] }
