package keyset

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// rediscover is how long a discovery document is trusted to name the right key
// set; a failed fetch asks again at once.
const rediscover = time.Hour

// discovery is what the discovery document of an issuer said.
type discovery struct {
	address string // jwks_uri
	at      time.Time
}

// locate gives the address of the key set: the configured one, or that of the
// issuer's discovery document (OpenID Connect Discovery 1.0 section 4).
func (r *Remote) locate(ctx context.Context, client *http.Client) (string, error) {
	if r.options.Discover == "" {
		return r.options.URL, nil
	}
	now := r.now()
	if r.found.address != "" && now.Sub(r.found.at) < rediscover {
		return r.found.address, nil
	}
	a, err := get(ctx, client, strings.TrimSuffix(r.options.Discover, "/")+"/.well-known/openid-configuration", "")
	if err != nil {
		return "", &discoveryError{err}
	}
	address, err := r.options.readDiscovery(a.body)
	if err != nil {
		return "", &discoveryError{err}
	}
	r.found = discovery{address: address, at: now}
	return address, nil
}

// readDiscovery wants the very issuer that was asked for (section 4.3): another
// one would bind its keys to the wrong name.
func (o Options) readDiscovery(text string) (string, error) {
	document, err := jws.ParseObject(text)
	if err != nil {
		return "", errors.New("is no JSON object")
	}
	issuer, address := document.Get("issuer"), document.Get("jwks_uri")
	switch {
	case issuer.Kind() != jws.String || issuer.Text() != o.Discover:
		return "", errors.New("names another issuer than the one configured")
	case address.Kind() != jws.String:
		return "", errors.New("has no jwks_uri")
	}
	if err := o.checkURL(address.Text()); err != nil {
		return "", errors.New("jwks_uri: " + err.Error())
	}
	if strings.HasPrefix(o.Discover, "https:") && !strings.HasPrefix(address.Text(), "https:") && !o.InsecureHTTP {
		return "", errors.New("jwks_uri leaves https")
	}
	return address.Text(), nil
}

type discoveryError struct{ err error }

func (e *discoveryError) Error() string { return "discovery document " + e.err.Error() }
func (e *discoveryError) Unwrap() error { return e.err }
