package keyset

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Options say where a remote key set comes from and how it is fetched. They are
// the identity of a set: equal options share one running set. Zero durations
// stand for the defaults.
type Options struct {
	URL      string // of a JWK Set; or
	Discover string // issuer URL for OpenID Connect discovery
	Issuer   string // issuer the keys are bound to, "" for any; Discover binds by itself

	// Refresh is the longest time between two fetches (5m; 1s to 24h). A
	// provider's Cache-Control may shorten it, down to a minute.
	Refresh time.Duration
	// Cooldown is the shortest time between two fetches that unknown kids cause
	// (10s; 1s to 1h).
	Cooldown time.Duration
	// MaxAge is how long keys serve without a successful fetch (24h; at least
	// Refresh).
	MaxAge time.Duration

	CA    string // path of a PEM file of roots, read at every fetch; "" for the system's
	Cert  string // paths of client certificate and key, read at every fetch
	Key   string
	Proxy string // proxy URL; "" for the environment's

	DenyPrivate  bool // refuse loopback and private addresses
	InsecureHTTP bool // allow http to hosts that are not loopback
}

// The defaults and bounds of the durations.
const (
	defaultRefresh  = 5 * time.Minute
	defaultCooldown = 10 * time.Second
	defaultMaxAge   = 24 * time.Hour

	shortest        = time.Second
	longestRefresh  = 24 * time.Hour
	longestCooldown = time.Hour
)

// Validate checks o without any network: URLs, durations, readable files. The
// error says what to write instead.
func (o Options) Validate() error {
	o = o.whole()
	var errs []error
	if (o.URL == "") == (o.Discover == "") {
		errs = append(errs, errors.New("a remote key set has either a URL or an issuer to discover"))
	}
	if o.URL != "" {
		errs = append(errs, o.checkURL(o.URL))
	}
	if o.Discover != "" {
		errs = append(errs, o.checkURL(o.Discover))
		if strings.ContainsAny(o.Discover, "?#") {
			errs = append(errs, errors.New("an issuer has no query"))
		}
		if o.Issuer != "" && o.Issuer != o.Discover {
			errs = append(errs, errors.New("discover binds its keys to the issuer it names: leave issuer out"))
		}
	}
	if o.Refresh < shortest || o.Refresh > longestRefresh {
		errs = append(errs, fmt.Errorf("refresh is %v: write 1s to 24h", o.Refresh))
	}
	if o.Cooldown < shortest || o.Cooldown > longestCooldown {
		errs = append(errs, fmt.Errorf("cooldown is %v: write 1s to 1h", o.Cooldown))
	}
	if o.MaxAge < o.Refresh {
		errs = append(errs, fmt.Errorf("max_age is %v: write at least refresh (%v)", o.MaxAge, o.Refresh))
	}
	errs = append(errs, o.checkProxy())
	if _, err := o.tlsConfig(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// whole fills the defaults in, so that equal meanings are equal options.
func (o Options) whole() Options {
	o.Refresh = cmp.Or(o.Refresh, defaultRefresh)
	o.Cooldown = cmp.Or(o.Cooldown, defaultCooldown)
	o.MaxAge = cmp.Or(o.MaxAge, max(defaultMaxAge, o.Refresh))
	return o
}

// issuer is what the keys are bound to, "" for any.
func (o Options) issuer() string { return cmp.Or(o.Discover, o.Issuer) }

// source names the set for people. Queries stay out: they may hold secrets.
func (o Options) source() string {
	if o.Discover != "" {
		return "discover " + o.Discover
	}
	address, _, _ := strings.Cut(o.URL, "?")
	return "jwks " + address
}

// checkURL wants https, or http where it cannot be listened to.
func (o Options) checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("is no URL: write https://host/path")
	case u.User != nil:
		return errors.New("a URL must not hold a user name or password")
	case u.Fragment != "":
		return errors.New("a URL of keys has no fragment")
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !o.InsecureHTTP && !loopbackName(u.Hostname()) {
			return errors.New("keys fetched over http can be replaced on the way: write https, or insecure_http: true")
		}
	default:
		return fmt.Errorf("scheme %.20q is not supported: write https", u.Scheme)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return o.guard().check(ip)
	}
	return nil
}

func (o Options) checkProxy() error {
	if o.Proxy == "" {
		return nil
	}
	u, err := url.Parse(o.Proxy)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5") {
		return errors.New("proxy is no URL: write http://host:port")
	}
	return nil
}

// loopbackName says whether a host of a URL is this machine.
func loopbackName(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
