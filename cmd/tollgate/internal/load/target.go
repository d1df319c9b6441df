package load

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/envoy"
)

// Target is who is asked.
type Target struct {
	Name string
	// Connect opens one connection.
	Connect func(ctx context.Context) (Asker, error)
	// CPU is the processor time that the target has used so far; nil when nobody
	// knows.
	CPU func() (time.Duration, error)
}

// Asker asks on one connection. It is safe for concurrent use.
type Asker interface {
	// Ask gives an error when the call fails, and the answer's mistake when it is
	// not the one that the shot has to get.
	Ask(ctx context.Context, s *Shot) (mistake string, err error)
	Close() error
}

// Server is a gRPC server to ask.
type Server struct {
	Name    string
	Address string // host:port or unix:///path
	PID     int    // of the process that serves; 0: not known
	// Transport are the credentials of a connection; nil is plaintext.
	Transport credentials.TransportCredentials
	// Lax takes every answer that allows: the empty server knows no tokens.
	Lax bool
}

// Wire asks a server over gRPC.
func Wire(s Server) Target {
	transport := s.Transport
	if transport == nil {
		transport = insecure.NewCredentials()
	}
	address := s.Address
	if !strings.HasPrefix(address, "unix:") {
		address = "passthrough:///" + address
	}
	t := Target{Name: s.Name, Connect: func(context.Context) (Asker, error) {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(transport))
		if err != nil {
			return nil, err
		}
		return &wire{conn: conn, client: envoy.NewClient(conn), lax: s.Lax}, nil
	}}
	if s.PID > 0 {
		t.CPU = func() (time.Duration, error) { return cpuOf(s.PID) }
	}
	return t
}

type wire struct {
	conn   *grpc.ClientConn
	client *envoy.Client
	lax    bool
}

// Ask asks once.
func (w *wire) Ask(ctx context.Context, s *Shot) (string, error) {
	verdict, err := w.client.Ask(ctx, s.question)
	switch {
	case err != nil:
		return "", err
	case w.lax && !verdict.Allowed:
		return "the empty server denies", nil
	case w.lax:
		return "", nil
	}
	return s.judge(verdict.Allowed, verdict.Metadata["reason"], verdict.Metadata["subject"]), nil
}

// Close closes the connection.
func (w *wire) Close() error { return w.conn.Close() }

// judge says what is wrong with an answer, "" when nothing is. It never quotes
// what was sent.
func (s *Shot) judge(allowed bool, reason, subject string) string {
	switch {
	case s.Reason == "" && !allowed:
		return "denied with " + reason + " what must be allowed"
	case s.Reason == "" && subject != s.Subject:
		return fmt.Sprintf("allowed as %q what %q asked", subject, s.Subject)
	case s.Reason != "" && allowed:
		return "allowed what must be denied with " + s.Reason
	case s.Reason != reason:
		return "denied with " + reason + " instead of " + s.Reason
	default:
		return ""
	}
}
