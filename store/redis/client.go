package redis

import (
	"context"
	"net"
	"runtime"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/tollgate-authz/tollgate/store"
)

// silent is the log of go-redis, which would write to standard error: what goes
// wrong is in the error of a call.
type silent struct{}

// Printf implements the log of go-redis.
func (silent) Printf(context.Context, string, ...any) {}

const (
	// ioTimeout bounds what has no deadline of a call: the client's own commands.
	// It is no shorter because go-redis counts it from a clock that is up to
	// 50 ms old; calls are bounded by their context.
	ioTimeout = time.Second
	// Waits before a redirected command is sent to the next node.
	leastBackoff, mostBackoff = 2 * time.Millisecond, 10 * time.Millisecond
	// topologyAge is how old the picture of a cluster may get by itself.
	topologyAge      = 10 * time.Second
	leastConnections = 32
	feedConnections  = 8
)

// newClient makes a client for the kind of address, in which each server has
// its hook. What go-redis would do by itself is switched off: to send a command
// again after a network error, to wait longer than the context says, to
// negotiate extensions.
func newClient(o Options, connections int, hooked func(addr string, c *goredis.Client)) goredis.UniversalClient {
	d := &dialer{
		tls: o.TLS, on: o.Address.TLS, timeout: max(dialTimeout, o.Timeout),
		from: net.Dialer{KeepAlive: 15 * time.Second},
	}
	io := max(ioTimeout, 2*o.Timeout)
	general := goredis.UniversalOptions{
		Addrs:                      o.Address.Hosts,
		DB:                         o.Address.DB,
		Dialer:                     d.dial,
		Protocol:                   2,
		CredentialsProviderContext: func(context.Context) (string, string, error) { return o.Credentials() },
		MaxRetries:                 -1,
		MinRetryBackoff:            leastBackoff,
		MaxRetryBackoff:            mostBackoff,
		DialTimeout:                d.timeout,
		ReadTimeout:                io,
		WriteTimeout:               io,
		ContextTimeoutEnabled:      true,
		PoolSize:                   connections,
		PoolTimeout:                io,
		DisableIdentity:            true,
		MaxRedirects:               3,
		MasterName:                 o.Address.Master,
		MaintNotificationsConfig:   &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	switch o.Address.Scheme {
	case store.SchemeCluster:
		conf := general.Cluster()
		conf.DialerRetries = 1
		conf.DisableRoutingPolicies = true
		conf.ClusterStateReloadInterval = topologyAge
		conf.NewClient = func(opt *goredis.Options) *goredis.Client {
			c := goredis.NewClient(opt)
			hooked(opt.Addr, c)
			return c
		}
		return goredis.NewClusterClient(conf)
	case store.SchemeSentinel:
		conf := general.Failover()
		conf.DialerRetries = 1
		if o.Address.SentinelAuth {
			// Known at the start only: go-redis takes no function here.
			conf.SentinelUsername, conf.SentinelPassword, _ = o.Credentials()
		}
		c := goredis.NewFailoverClient(conf)
		hooked(o.Address.Master, c)
		return c
	case store.SchemeRedis, store.SchemeUnix, store.SchemeMemory, store.SchemeFile:
	}
	conf := general.Simple()
	conf.DialerRetries = 1
	if o.Address.Scheme == store.SchemeUnix {
		conf.Network, conf.Addr = "unix", o.Address.Path
	}
	c := goredis.NewClient(conf)
	hooked(conf.Addr, c)
	return c
}

func connections(o Options) int {
	if o.Connections > 0 {
		return o.Connections
	}
	return max(leastConnections, 10*runtime.GOMAXPROCS(0))
}
