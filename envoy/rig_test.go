package envoy

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/tollgate-authz/tollgate/authz"
)

// deciderFunc is a Decider for tests of the transport alone.
type deciderFunc func(ctx context.Context, r authz.Request) authz.Answer

func (f deciderFunc) Decide(ctx context.Context, r authz.Request) authz.Answer { return f(ctx, r) }

// allowAll is a Decider that lets everything through with one header.
func allowAll(context.Context, authz.Request) authz.Answer {
	return authz.Answer{Outcome: authz.Allow, ID: "d-1", Edits: []authz.Edit{{Name: "x-tollgate-subject", Value: "alice"}}}
}

// rig is a Server on a loopback listener together with a client of it.
type rig struct {
	*Client
	authz  *Authz
	server *Server
	addr   net.Addr
	conn   *grpc.ClientConn
	log    *logBuffer
	stop   context.CancelFunc
	ended  chan error // what Serve returned
	twin   *rig       // answers the same by generated messages; nil for none
}

// serve starts a rig that is ready; the test's end stops it.
func serve(tb testing.TB, d Decider) *rig {
	tb.Helper()
	r := serveConfig(tb, d, Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}})
	r.server.Ready()
	return r
}

// serveConfig starts a rig that is not ready.
func serveConfig(tb testing.TB, d Decider, c Config) *rig {
	tb.Helper()
	r := &rig{log: &logBuffer{}, ended: make(chan error, 1)}
	log := slog.New(slog.NewJSONHandler(r.log, nil))
	c.Log = log
	r.authz = New(d, Options{Log: log})
	r.server = NewServer(r.authz, c)
	addrs, err := r.server.Listen(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	r.addr = addrs[0]
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- r.server.Serve(ctx)
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
	r.conn = dial(tb, r.addr)
	r.Client = NewClient(r.conn)
	return r
}

// dial opens a plaintext connection.
func dial(tb testing.TB, addr net.Addr, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	target := addr.String()
	if addr.Network() == "unix" {
		target = "unix://" + target
	}
	options = append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, options...)
	conn, err := grpc.NewClient(target, options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask is Check that cannot fail. The twin must do the same.
func (r *rig) ask(t *testing.T, h *HTTP) *Verdict {
	t.Helper()
	v, err := r.Check(soon(t), h)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	if r.twin != nil {
		if diff := cmp.Diff(nameless(r.twin.ask(t, h)), nameless(v)); diff != "" {
			t.Errorf("%s %s: the codec (+) is not of the opinion of the generated messages (-):\n%s", h.Method, shown(h), diff)
		}
	}
	return v
}

// nameless gives a verdict without the id of its decision, which no two share.
func nameless(v *Verdict) *Verdict {
	id := v.Metadata["decision"]
	out := *v
	out.Body = strings.ReplaceAll(v.Body, id, "ID")
	out.Headers, out.Metadata = slices.Clone(v.Headers), maps.Clone(v.Metadata)
	for i := range out.Headers {
		out.Headers[i].Value = strings.ReplaceAll(out.Headers[i].Value, id, "ID")
	}
	out.Metadata["decision"] = "ID"
	return &out
}

// raw sends a message of the test's own and gives the answer as it came. The twin
// must answer the same.
func (r *rig) raw(t *testing.T, msg *authv3.CheckRequest) *authv3.CheckResponse {
	t.Helper()
	answer, err := authv3.NewAuthorizationClient(r.conn).Check(soon(t), msg)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	if r.twin != nil {
		if diff := cmp.Diff(inJSON(t, r.twin.raw(t, msg)), inJSON(t, answer)); diff != "" {
			t.Errorf("the codec (+) does not answer what the generated messages do (-):\n%s", diff)
		}
	}
	return answer
}

// inJSON writes an answer without the id of its decision.
func inJSON(tb failer, answer *authv3.CheckResponse) string {
	tb.Helper()
	data, err := protojson.Marshal(answer)
	if err != nil {
		tb.Fatal(err)
	}
	id := answer.GetDynamicMetadata().GetFields()["decision"].GetStringValue()
	return strings.ReplaceAll(string(data), id, "ID")
}

// health asks grpc.health.v1.
func (r *rig) health(t *testing.T, service string) healthv1.HealthCheckResponse_ServingStatus {
	t.Helper()
	answer, err := healthv1.NewHealthClient(r.conn).Check(soon(t), &healthv1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatalf("health of %q: %v", service, err)
	}
	return answer.GetStatus()
}

// soon bounds what a test waits for; only a hang gets there.
func soon(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	tb.Cleanup(cancel)
	return ctx
}

// logBuffer keeps what was logged.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
