package envoy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
)

// Limits bound what a front can make the server hold. Zero values are the
// defaults.
type Limits struct {
	Streams       uint32        // calls at once on one connection; 4096
	MessageBytes  int           // one CheckRequest; 256 KiB: Envoy's 60 KiB of headers, a certificate and metadata
	HeaderBytes   uint32        // gRPC metadata of a call; 64 KiB
	Workers       uint32        // goroutines that wait for calls; 64
	PingInterval  time.Duration // fastest keepalive ping that is no attack; 5 s
	Handshake     time.Duration // until a new connection must have spoken; 5 s
	ConnectionAge time.Duration // until a connection is asked to be opened anew, which balances load; 10 min
	AgeGrace      time.Duration // for the last calls of such a connection; 1 min
}

// Config is how a Server listens and ends.
type Config struct {
	Listeners []Listener
	Limits    Limits
	// DrainDelay is how long a draining server says NOT_SERVING and still
	// answers; DrainTimeout bounds the wait for the last answers after it, 0 is 25 s.
	DrainDelay, DrainTimeout time.Duration
	// Log gets a line when certificates cannot be reloaded or a drain had to cut
	// calls off; nil is slog.Default().
	Log *slog.Logger

	generated bool // generated messages in place of the codec of ours
}

// view chooses what a call is decoded into.
func (c *Config) view() func() *request {
	if c.generated {
		return newGenerated
	}
	return newRequest
}

// Server serves one Authz on any number of listeners.
type Server struct {
	authz  *Authz
	config Config
	log    *slog.Logger
	grpc   *grpc.Server
	health *healthService
	unwait context.CancelFunc // ends every Watch
	bound  []net.Listener
}

// NewServer makes a server that says NOT_SERVING until Ready.
func NewServer(a *Authz, c Config) *Server {
	s := &Server{authz: a, config: c, log: c.Log}
	if s.log == nil {
		s.log = slog.Default()
	}
	ended, cancel := context.WithCancel(context.Background())
	s.unwait = cancel
	s.health = newHealth(ended)
	s.grpc = grpc.NewServer(append(c.Limits.options(), grpc.ForceServerCodecV2(newCodec()))...)
	register(s.grpc, service{authz: a, view: c.view()})
	healthv1.RegisterHealthServer(s.grpc, s.health)
	return s
}

// options are the limits as grpc knows them.
func (l Limits) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(perListener{insecure.NewCredentials()}),
		grpc.MaxConcurrentStreams(or(l.Streams, 4096)),
		grpc.MaxRecvMsgSize(or(l.MessageBytes, 256<<10)),
		grpc.MaxHeaderListSize(or(l.HeaderBytes, 64<<10)),
		// A worker keeps its grown stack. They take turns, so many more of them than
		// calls at once would find theirs cold each time (measured: 512 cost a fifth of
		// a check); when all are busy grpc starts goroutines beside them.
		grpc.NumStreamWorkers(or(l.Workers, 64)),
		grpc.ConnectionTimeout(or(l.Handshake, 5*time.Second)),
		// Without PermitWithoutStream the pings of an idle Envoy are answered by
		// closing its connection.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{
			MinTime: or(l.PingInterval, 5*time.Second), PermitWithoutStream: true,
		}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge:      or(l.ConnectionAge, 10*time.Minute),
			MaxConnectionAgeGrace: or(l.AgeGrace, time.Minute),
		}),
	}
}

// or gives the first value unless it is zero.
func or[T comparable](value, preset T) T {
	var zero T
	if value == zero {
		return preset
	}
	return value
}

// Listen binds every listener and gives the addresses really bound, in order.
// When one fails, none stays bound and the server is closed.
func (s *Server) Listen(ctx context.Context) ([]net.Addr, error) {
	warn := func(err error) { s.log.WarnContext(ctx, "tls", "error", err) }
	var addresses []net.Addr
	for _, l := range s.config.Listeners {
		bound, err := l.listen(ctx, warn)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.bound = append(s.bound, bound)
		addresses = append(addresses, bound.Addr())
	}
	return addresses, nil
}

// Close ends a server at once: one that is not being served, or whose drain is
// not worth waiting for.
func (s *Server) Close() error {
	s.authz.Close()
	s.unwait()
	s.grpc.Stop()
	var err error
	for _, l := range s.bound {
		if e := l.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Ready says SERVING and lets calls in.
func (s *Server) Ready() {
	s.authz.Open()
	s.health.set(healthv1.HealthCheckResponse_SERVING)
}

// Serve answers on what Listen has bound until ctx ends, then drains. It returns
// nil after a drain and an error when a listener fails.
func (s *Server) Serve(ctx context.Context) error {
	failed, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	for _, l := range s.bound {
		group.Go(func() error {
			defer stop() // one listener that fails ends the others
			err := s.grpc.Serve(l)
			if ctx.Err() != nil && errors.Is(err, grpc.ErrServerStopped) {
				return nil // the end came before the beginning
			}
			return err
		})
	}
	<-failed.Done()
	if ctx.Err() != nil {
		s.drain()
	}
	s.authz.Close()
	s.unwait()
	s.grpc.Stop()
	return group.Wait()
}
