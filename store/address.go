package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Scheme says which store a URL names.
type Scheme string

// Schemes of store URLs.
const (
	SchemeMemory   Scheme = "memory"
	SchemeFile     Scheme = "file"
	SchemeRedis    Scheme = "redis"
	SchemeUnix     Scheme = "redis+unix"
	SchemeSentinel Scheme = "redis+sentinel"
	SchemeCluster  Scheme = "redis+cluster"
)

// Address is a store URL, taken apart:
//
//	memory:
//	file:DIR
//	redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]          rediss:// with TLS
//	redis+unix://[USER[:PASSWORD]@]/PATH[?db=DB]
//	redis+sentinel://[…@]HOST[:PORT],…/MASTER[?db=DB][&sentinel_auth=true]
//	redis+cluster://[…@]HOST[:PORT],…
//
// rediss+sentinel:// and rediss+cluster:// are the same with TLS. With ?replicas=N
// each of them waits until N replicas have a change (WAIT), so that a failover to
// one of those loses none; a change that too few have in time counts as not made.
// A password may hold any character but '/', '?', '#' and '@'; these are
// written as %2F, %3F, %23 and %40.
type Address struct {
	Scheme   Scheme
	TLS      bool
	Path     string   // directory of file, socket of redis+unix
	Hosts    []string // host:port
	Master   string   // name of the master that the sentinels watch
	DB       int
	Username string
	Password string
	// SentinelAuth: the sentinels ask for the same user and password.
	SentinelAuth bool
	// Replicas is how many replicas must have a change before it counts as made.
	Replicas int
}

// mostReplicas is more than anybody has.
const mostReplicas = 16

// Ports that Redis and its sentinels have unless told otherwise.
const (
	portRedis    = "6379"
	portSentinel = "26379"
)

// ParseURL takes a store URL apart. Its errors never show the URL, which may
// hold a password.
func ParseURL(text string) (Address, error) {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok {
		return Address{}, errors.New("store: memory:, file:DIR or a redis URL, such as redis://localhost:6379")
	}
	secure := strings.HasPrefix(scheme, "rediss")
	a := Address{Scheme: Scheme(scheme), TLS: secure}
	if secure {
		a.Scheme = Scheme("redis" + strings.TrimPrefix(scheme, "rediss"))
	}
	var err error
	switch a.Scheme {
	case SchemeMemory:
		if rest != "" {
			err = errors.New("nothing follows memory")
		}
	case SchemeFile:
		a.Path = rest
		if rest == "" {
			err = errors.New("name a directory, such as file:.tollgate")
		} else if strings.HasPrefix(rest, "//") && !strings.HasPrefix(rest, "///") {
			err = errors.New("write file:DIR, or file:///DIR")
		}
		if strings.HasPrefix(rest, "///") {
			a.Path = "/" + strings.TrimLeft(rest, "/")
		}
	case SchemeRedis, SchemeSentinel, SchemeCluster:
		err = a.readServers(rest)
	case SchemeUnix:
		if secure {
			err = errors.New("a socket needs no TLS: write redis+unix")
		} else {
			err = a.readServers(rest)
		}
	default:
		return Address{}, errors.New("store: the scheme is none of memory, file, redis, rediss, " +
			"redis+unix, redis+sentinel, redis+cluster")
	}
	if err != nil {
		return Address{}, fmt.Errorf("store %s: %w", scheme, err)
	}
	return a, nil
}

// readServers reads what follows "scheme:".
func (a *Address) readServers(rest string) error {
	rest, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return errors.New("two slashes are missing after the colon")
	}
	if strings.ContainsAny(rest, "#\x00\r\n\t ") {
		return errors.New("a blank, a control or a '#' in the URL: write it as %XX")
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	user, hosts, ok := cutLast(authority, "@")
	if ok {
		if err := a.readUser(user); err != nil {
			return err
		}
	}
	path, err := url.PathUnescape(path)
	if err != nil {
		return errors.New("a broken %XX in the path")
	}
	if err := a.readPath(hosts, path); err != nil {
		return err
	}
	return a.readQuery(query)
}

func (a *Address) readPath(hosts, path string) error {
	port := portRedis
	switch a.Scheme {
	case SchemeUnix:
		if hosts != "" || path == "" {
			return errors.New("three slashes and the path of the socket: redis+unix:///run/redis.sock")
		}
		a.Path = "/" + path
		return nil
	case SchemeSentinel:
		port = portSentinel
		if a.Master = path; path == "" || strings.Contains(path, "/") {
			return errors.New("the name of the master is missing: redis+sentinel://h1,h2/MASTER")
		}
	case SchemeCluster:
		if path != "" {
			return errors.New("a cluster has no databases: nothing follows the hosts")
		}
	case SchemeRedis:
		if strings.Contains(hosts, ",") {
			return errors.New("several hosts: write redis+cluster or redis+sentinel")
		}
		if path != "" {
			if err := a.readDB(path); err != nil {
				return err
			}
		}
	case SchemeMemory, SchemeFile: // have no hosts
	}
	return a.readHosts(hosts, port)
}

func (a *Address) readUser(text string) error {
	user, password, has := strings.Cut(text, ":")
	var bad, bad2 error
	a.Username, bad = url.PathUnescape(user)
	a.Password, bad2 = url.PathUnescape(password)
	if bad != nil || bad2 != nil {
		return errors.New("a broken %XX in user or password")
	}
	if !has && user != "" {
		return errors.New("a user without password: USER:PASSWORD@, or :PASSWORD@ for the default user")
	}
	return nil
}

func (a *Address) readHosts(text, port string) error {
	for host := range strings.SplitSeq(text, ",") {
		if host == "" {
			return errors.New("a host is missing")
		}
		name, given, err := net.SplitHostPort(host)
		if err != nil { // no port
			name, given = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), port
			if strings.Contains(name, ":") && name == host {
				return errors.New("an IPv6 address is written in brackets")
			}
		}
		if n, err := strconv.ParseUint(given, 10, 16); err != nil || n == 0 {
			return errors.New("a port is a number from 1 to 65535")
		}
		if name == "" || strings.ContainsAny(name, "[]/@") {
			return errors.New("a host is missing or misspelled")
		}
		a.Hosts = append(a.Hosts, net.JoinHostPort(name, given))
	}
	return nil
}

func (a *Address) readQuery(text string) error {
	values, err := url.ParseQuery(text)
	if err != nil {
		return errors.New("what follows '?' is not a query")
	}
	for name, all := range values {
		switch {
		case name == "db" && len(all) == 1 && a.Scheme != SchemeCluster:
			if err := a.readDB(all[0]); err != nil {
				return err
			}
		case name == "sentinel_auth" && len(all) == 1 && all[0] == "true" && a.Scheme == SchemeSentinel:
			a.SentinelAuth = true
		case name == "replicas" && len(all) == 1:
			n, err := strconv.ParseUint(all[0], 10, 8)
			if err != nil || n < 1 || n > mostReplicas {
				return fmt.Errorf("replicas is a number from 1 to %d", mostReplicas)
			}
			a.Replicas = int(n)
		default:
			return errors.New("only replicas=NUMBER and, not for a cluster, db=NUMBER may follow '?'; for sentinels also sentinel_auth=true")
		}
	}
	return nil
}

func (a *Address) readDB(text string) error {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return errors.New("a database is a number")
	}
	a.DB = int(n)
	return nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// String shows the address without password.
func (a Address) String() string {
	scheme := string(a.Scheme)
	if a.TLS {
		scheme = "rediss" + strings.TrimPrefix(scheme, "redis")
	}
	switch a.Scheme {
	case SchemeMemory:
		return scheme + ":"
	case SchemeFile:
		return scheme + ":" + a.Path
	case SchemeUnix:
		return scheme + "://" + a.Path
	case SchemeSentinel:
		return scheme + "://" + strings.Join(a.Hosts, ",") + "/" + a.Master
	case SchemeRedis, SchemeCluster:
	}
	return scheme + "://" + strings.Join(a.Hosts, ",")
}

// GoString shows the address without password.
func (a Address) GoString() string { return a.String() }
