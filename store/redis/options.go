package redis

import (
	"errors"
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// Options say which Redis, and how.
type Options struct {
	Address store.Address
	// Credentials gives user and password for each new connection, so both may
	// change while running. nil: those of the address.
	Credentials func() (username, password string, err error)
	TLS         TLS
	Prefix      string        // of all keys; "": tollgate
	Timeout     time.Duration // what a call may take; 0: 25 ms
	Connections int           // per server, at most; 0: by the number of CPUs
	Hooks       store.Hooks
	Now         func() time.Time // nil: time.Now
}

// TLS says whom to trust and who we are. The files are read for each new
// connection, so they may change while running. They are used when the address
// says TLS, and say so themselves where it can not.
type TLS struct {
	CA         string // PEM; "": the system's authorities
	Cert, Key  string // PEM of a client certificate; "": none
	ServerName string // "": the host that was dialed
}

// Defaults and bounds.
const (
	defaultPrefix  = "tollgate"
	defaultTimeout = 25 * time.Millisecond
	leastTimeout   = time.Millisecond
	mostTimeout    = 10 * time.Second
)

// filled is the same with defaults, or what is wrong with it.
func (o Options) filled() (Options, error) {
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Credentials == nil {
		user, password := o.Address.Username, o.Address.Password
		o.Credentials = func() (string, string, error) { return user, password, nil }
	}
	o.Hooks = o.Hooks.Filled()
	if o.TLS != (TLS{}) && o.Address.Scheme != store.SchemeUnix && !o.Address.TLS {
		return o, errors.New("store: ca, cert, key or server_name without TLS: write rediss:// (rediss+sentinel://, rediss+cluster://)")
	}
	if (o.TLS.Cert == "") != (o.TLS.Key == "") {
		return o, errors.New("store: a client certificate needs both cert and key")
	}
	if o.Timeout < leastTimeout || o.Timeout > mostTimeout {
		return o, fmt.Errorf("store: timeout of %v: between %v and %v", o.Timeout, leastTimeout, mostTimeout)
	}
	switch o.Address.Scheme {
	case store.SchemeRedis, store.SchemeUnix, store.SchemeSentinel, store.SchemeCluster:
	case store.SchemeMemory, store.SchemeFile:
		return o, fmt.Errorf("store: %s is no Redis", o.Address)
	}
	return o, (store.Layout{Prefix: o.Prefix}).Check()
}
