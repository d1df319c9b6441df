package admin

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// maxBody bounds the body of an admin request.
const maxBody = 1 << 20

// Parts is what the admin API shows and changes. A nil part answers
// UNIMPLEMENTED with what would have to be configured.
type Parts struct {
	Engine      *authz.Engine
	Credentials *credential.Registry
	Usage       Usage
	Tokens      Tokens
	Config      Config
	Decisions   *Decisions
	Version     string
	Replica     string
	Started     time.Time
	Log         *slog.Logger
	Now         func() time.Time // nil: time.Now
}

// Server is the admin API of one process.
type Server struct {
	parts    Parts
	log      *slog.Logger
	now      func() time.Time
	auth     holder
	throttle throttle
	allowed  map[string]Role

	rpc     *grpc.Server
	conn    *grpc.ClientConn
	handler http.Handler
}

// New makes a Server; auth can be exchanged later.
func New(parts Parts, auth *Auth) (*Server, error) {
	if parts.Now == nil {
		parts.Now = time.Now
	}
	if parts.Log == nil {
		parts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{parts: parts, log: parts.Log, now: parts.Now, allowed: permissions()}
	s.auth.auth.Store(auth)
	s.rpc = grpc.NewServer(
		grpc.MaxRecvMsgSize(2*maxBody),
		grpc.UnaryInterceptor(s.unary), grpc.StreamInterceptor(s.stream))
	adminv1.RegisterKeyServiceServer(s.rpc, keyService{Server: s})
	adminv1.RegisterUsageServiceServer(s.rpc, usageService{Server: s})
	adminv1.RegisterTokenServiceServer(s.rpc, tokenService{Server: s})
	adminv1.RegisterStatusServiceServer(s.rpc, statusService{Server: s})
	adminv1.RegisterDecisionServiceServer(s.rpc, decisionService{Server: s})
	pipe := bufconn.Listen(1 << 16)
	go s.rpc.Serve(pipe) //nolint:errcheck // ends with Close
	conn, err := grpc.NewClient("passthrough:admin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.DialContext(ctx) }))
	if err != nil {
		s.rpc.Stop()
		return nil, err
	}
	s.conn = conn
	if s.handler, err = s.routes(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// SetAuth exchanges who may call, for calls from now on.
func (s *Server) SetAuth(auth *Auth) { s.auth.auth.Store(auth) }

// Close ends all calls and streams.
func (s *Server) Close() {
	if s.conn != nil {
		s.conn.Close() //nolint:errcheck // nothing is left to lose
	}
	s.rpc.Stop()
}

// ServeHTTP serves one request of the admin listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func hostOnly(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
