package envoy

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tollgate-authz/tollgate/authz"
)

// ServiceName is the gRPC service that Envoy calls.
const ServiceName = "envoy.service.auth.v3.Authorization"

// checkMethod is the full name of its one method.
const checkMethod = "/" + ServiceName + "/Check"

// Decider decides about one request. authz.Engine is one.
type Decider interface {
	Decide(ctx context.Context, r authz.Request) authz.Answer
}

// Options are what an Authz may be given. The zero value is good.
type Options struct {
	// Log gets one line for a panic or an answer that could not be sent; nil is
	// slog.Default().
	Log *slog.Logger
	// Timeout bounds a check for which the front set no deadline; 0 is 5 s.
	Timeout time.Duration
}

// Authz answers Checks with what a Decider decides. Nothing that happens while
// it does becomes an allow: a panic, a deadline that passed or an answer that no
// header could carry is a denial (contract section 5, internal).
type Authz struct {
	decide  Decider
	log     *slog.Logger
	timeout time.Duration
	now     func() time.Time
	rows    map[authz.Reason]authz.Row
	open    atomic.Bool
	counts  counters
}

// New gives an Authz that fails every call with UNAVAILABLE until Open.
func New(d Decider, o Options) *Authz {
	a := &Authz{decide: d, log: o.Log, timeout: o.Timeout, now: time.Now, rows: map[authz.Reason]authz.Row{}}
	for _, row := range authz.Rows() {
		a.rows[row.Reason] = row
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.timeout <= 0 {
		a.timeout = 5 * time.Second
	}
	return a
}

// Register adds the check service to any gRPC server, with generated messages. A
// Server has a codec of its own, which costs half as much.
func Register(s grpc.ServiceRegistrar, a *Authz) { register(s, service{authz: a, view: newGenerated}) }

func register(s grpc.ServiceRegistrar, c service) {
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: ServiceName,
		HandlerType: (*checker)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Check", Handler: handleCheck}},
		Metadata:    "envoy/service/auth/v3/external_auth.proto",
	}, c)
}

// checker is the method behind the service.
type checker interface {
	serve(ctx context.Context, dec func(any) error, intercept grpc.UnaryServerInterceptor) (any, error)
}

// service is an Authz behind one of the two codecs.
type service struct {
	authz *Authz
	view  func() *request // an empty one
}

func (s service) serve(ctx context.Context, dec func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	return s.authz.serve(ctx, s.view(), dec, intercept)
}

// handleCheck is the gRPC handler of Check.
func handleCheck(srv any, ctx context.Context, dec func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // the order of parameters is grpc's
	return srv.(checker).serve(ctx, dec, intercept) //nolint:errcheck,forcetypeassert // RegisterService has checked it
}

// Open lets calls in: the configuration is loaded and key sources were tried
// (contract section 6).
func (a *Authz) Open() { a.open.Store(true) }

// Close makes further calls fail with UNAVAILABLE: the drain is over.
func (a *Authz) Close() { a.open.Store(false) }

// serve takes one call. A panic anywhere in it becomes a denial.
func (a *Authz) serve(ctx context.Context, r *request, dec func(any) error, intercept grpc.UnaryServerInterceptor) (reply any, err error) {
	if !a.open.Load() {
		a.counts.unready.Add(1)
		return nil, status.Error(codes.Unavailable, "tollgate is not ready or is shutting down")
	}
	defer func() {
		if v := recover(); v != nil {
			reply, err = a.recovered(ctx, r, v)
		}
	}()
	if err := a.receive(r, dec); err != nil {
		return nil, err
	}
	if intercept == nil {
		return a.check(ctx, r)
	}
	info := &grpc.UnaryServerInfo{Server: a, FullMethod: checkMethod}
	return intercept(ctx, r.message(), info, func(ctx context.Context, _ any) (any, error) { return a.check(ctx, r) })
}

// receive decodes the message of a call, or counts why there is none. Such a call
// fails instead of being answered (contract section 5).
func (a *Authz) receive(r *request, dec func(any) error) error {
	err := dec(r.message())
	switch status.Code(err) {
	case codes.OK:
		r.read(r.generated)
		r.open()
	case codes.ResourceExhausted:
		a.counts.tooLarge.Add(1)
	case codes.Canceled, codes.DeadlineExceeded:
		a.counts.canceled.Add(1)
	default:
		a.counts.undecodable.Add(1)
	}
	return err
}

// check answers one decoded request.
func (a *Authz) check(ctx context.Context, r *request) (any, error) {
	a.counts.checks.Add(1)
	a.counts.inFlight.Add(1)
	defer a.counts.inFlight.Add(-1)
	limited := newDeadline(ctx, a.now, a.timeout)
	defer limited.stop()

	answer := a.decide.Decide(limited, r) //nolint:contextcheck // limited is ctx with an earlier end
	switch ctx.Err() {
	case nil:
	case context.DeadlineExceeded:
		a.counts.late.Add(1)
	default:
		a.counts.canceled.Add(1)
	}
	msg, dropped, err := respond(&answer, r)
	if dropped > 0 {
		a.counts.dropped.Add(uint64(dropped))
	}
	switch {
	case err == nil:
		return msg, nil
	case errors.Is(err, errCookie): // what the client sent is to blame
		return a.refuse(r, authz.RequestMalformed, answer.ID)
	}
	a.counts.invalid.Add(1)
	a.log.ErrorContext(ctx, "answer refused", "reason", authz.Internal, "decision", answer.ID, "error", err)
	return a.refuse(r, authz.Internal, answer.ID)
}

// recovered answers a call that panicked. The value is logged only where it
// comes from the runtime: any other could quote a token.
func (a *Authz) recovered(ctx context.Context, r *request, v any) (any, error) {
	a.counts.panics.Add(1)
	cause := "not shown: it may hold a secret"
	if e, ok := v.(runtime.Error); ok {
		cause = e.Error()
	}
	id := "fault-" + strings.ToLower(rand.Text())
	a.log.ErrorContext(ctx, "panic", "reason", authz.Internal, "decision", id, "cause", cause, "stack", string(debug.Stack()))
	return a.refuse(r, authz.Internal, id)
}

// refuse is the denial for what went wrong outside the Decider.
func (a *Authz) refuse(r *request, reason authz.Reason, id string) (any, error) {
	answer := refusal(r, a.rows[reason], id)
	msg, _, err := respond(&answer, r)
	return msg, err
}

// refusal is the answer that a row of the table of reasons gives.
func refusal(r *request, row authz.Row, id string) authz.Answer {
	code := string(row.Reason)
	answer := authz.Answer{
		Outcome: authz.Deny,
		Reason:  row.Reason,
		ID:      id,
		Status:  row.Status,
		Headers: []authz.Header{
			{Name: "content-type", Value: "application/json"},
			{Name: "x-tollgate-decision", Value: id},
			{Name: "x-tollgate-reason", Value: code},
		},
		Body:     `{"error":"` + row.Text + `","code":"` + code + `","decision":"` + id + `"}`,
		Metadata: authz.Metadata{Reason: code},
	}
	if r.wantsGRPC() {
		answer.Headers[0].Value, answer.Body = "text/plain", row.Text
	}
	return answer
}
