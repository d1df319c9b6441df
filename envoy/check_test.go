package envoy

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/tollgate-authz/tollgate/authz"
)

// canary stands for a secret in requests of tests: it must not be logged.
const canary = "canary-5f2b8e"

func get(headers ...Field) *HTTP {
	return &HTTP{Method: "GET", Scheme: "https", Host: "api.example.com", Target: "/orders", Headers: headers}
}

// header gives the value of a header of a verdict.
func (v *Verdict) header(name string) string {
	for _, h := range v.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func TestPanicIsDenied(t *testing.T) {
	for name, value := range map[string]any{"runtime": nil, "own": "token " + canary, "error": errors.New(canary)} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, deciderFunc(func(context.Context, authz.Request) authz.Answer {
				if none := strings.Fields(""); value == nil {
					value = none[len(none)]
				}
				panic(value)
			}))
			v := r.ask(t, get(Field{"authorization", "Bearer " + canary}))
			if v.Allowed || v.Status != 503 || v.Code != 14 || v.header("x-tollgate-reason") != "internal" {
				t.Fatalf("verdict = %+v", v)
			}
			var body map[string]string
			if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
				t.Fatal(err)
			}
			id := v.header("x-tollgate-decision")
			if body["code"] != "internal" || body["decision"] != id || id == "" || v.Metadata["decision"] != id {
				t.Errorf("body = %v, decision = %q, metadata = %v", body, id, v.Metadata)
			}
			if n := r.authz.Counts().Panics; n != 1 {
				t.Errorf("counted %d panics", n)
			}
			logged := r.log.String()
			if !strings.Contains(logged, id) || !strings.Contains(logged, "check_test.go") {
				t.Errorf("log lacks the decision or the stack: %s", logged)
			}
			if strings.Contains(logged, canary) {
				t.Error("the value of a panic was logged")
			}
		})
	}
}

func TestPanicIsDeniedToGRPCClientsInTheirForm(t *testing.T) {
	r := serve(t, deciderFunc(func(context.Context, authz.Request) authz.Answer { panic("x") }))
	v := r.ask(t, get(Field{"content-type", "application/grpc"}))
	if v.Status != 503 || v.Body != "Temporarily unavailable" || v.header("content-type") != "text/plain" {
		t.Errorf("verdict = %+v", v)
	}
}

func TestUnsendableAllowIsDenied(t *testing.T) {
	r := serve(t, deciderFunc(func(context.Context, authz.Request) authz.Answer {
		return authz.Answer{Outcome: authz.Allow, ID: "d-7", Edits: []authz.Edit{{Name: "host", Value: "evil.example"}}}
	}))
	v := r.ask(t, get())
	if v.Allowed || v.Status != 503 || v.header("x-tollgate-decision") != "d-7" {
		t.Errorf("verdict = %+v", v)
	}
	if n := r.authz.Counts().Invalid; n != 1 {
		t.Errorf("counted %d invalid answers", n)
	}
	if !strings.Contains(r.log.String(), "d-7") {
		t.Error("nothing was logged")
	}
}

// TestDeadline: a decision that waits for something that hangs learns in time
// that it must answer. Time is that of a bubble: only waiting takes any.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(deciderFunc(func(ctx context.Context, _ authz.Request) authz.Answer {
			<-ctx.Done() // a store that never answers
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return authz.Answer{}
			}
			return authz.Answer{Reason: authz.StoreUnavailable, Status: 503, ID: "late"}
		}), Options{})
		s := NewServer(a, Config{Limits: Limits{Workers: 1}})
		l := bufconn.Listen(1 << 16)
		s.bound = []net.Listener{&securedListener{Listener: l, transport: insecure.NewCredentials()}}
		s.Ready()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()
		conn, err := grpc.NewClient("passthrough:///bubble", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		for _, left := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 10 * time.Second} {
			for range 100 {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), left)
				v, err := NewClient(conn).Check(ctx, get())
				cancel()
				if err != nil || v.Metadata["decision"] != "late" {
					t.Fatalf("%v left: no answer: %v", left, err)
				}
				// A front that waits for ten seconds waits for five.
				if took, most := time.Since(start), min(left, 5*time.Second+time.Millisecond); took >= most {
					t.Fatalf("%v left: the answer took %v", left, took)
				}
			}
		}
		if n := a.Counts().Late; n != 0 {
			t.Errorf("%d late", n)
		}
		_ = conn.Close()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDeadlineWithoutOneFromTheFront(t *testing.T) {
	now := time.Now()
	d := newDeadline(t.Context(), func() time.Time { return now }, 5*time.Second)
	defer d.stop()
	if at, ok := d.Deadline(); !ok || at != now.Add(5*time.Second) {
		t.Errorf("deadline = %v, %v", at, ok)
	}
	if d.Err() != nil {
		t.Errorf("err = %v before the time is up", d.Err())
	}
	now = now.Add(6 * time.Second)
	if !errors.Is(d.Err(), context.DeadlineExceeded) {
		t.Errorf("err = %v after the time is up", d.Err())
	}
}

func TestDeadlineReachesContextsMadeFromIt(t *testing.T) {
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	d := newDeadline(parent, time.Now, time.Hour)
	child, cancelChild := context.WithTimeout(d, time.Minute)
	defer cancelChild()
	if child.Value(key{}) != "v" {
		t.Error("a value was lost")
	}
	cancel()
	<-child.Done()
	if !errors.Is(child.Err(), context.Canceled) || !errors.Is(d.Err(), context.Canceled) {
		t.Errorf("errors = %v, %v", child.Err(), d.Err())
	}
}

func TestDeadlineAfterTheCheck(t *testing.T) {
	d := newDeadline(t.Context(), time.Now, time.Hour)
	d.stop()
	<-d.Done() // whoever still uses it is told at once
}

func TestCanceledCheckIsCounted(t *testing.T) {
	began, canceled := make(chan struct{}), make(chan struct{})
	r := serve(t, deciderFunc(func(ctx context.Context, _ authz.Request) authz.Answer {
		close(began)
		<-ctx.Done()
		close(canceled)
		return authz.Answer{}
	}))
	ctx, cancel := context.WithCancel(soon(t))
	go func() {
		<-began
		cancel()
	}()
	if _, err := r.Check(ctx, get()); status.Code(err) != codes.Canceled {
		t.Errorf("error = %v", err)
	}
	<-canceled
	r.stop()
	<-r.ended // every handler has ended
	if c := r.authz.Counts(); c.Canceled != 1 || c.InFlight != 0 {
		t.Errorf("counts = %+v", c)
	}
}

// bytesCodec sends bytes as they are: what no CheckRequest encodes to.
type bytesCodec struct{ encoding.CodecV2 }

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func TestBrokenMessages(t *testing.T) {
	r := serve(t, deciderFunc(allowAll))
	send := func(msg []byte) codes.Code {
		return status.Code(r.conn.Invoke(soon(t), checkMethod, msg, &authv3.CheckResponse{},
			grpc.ForceCodecV2(bytesCodec{encoding.GetCodecV2("proto")})))
	}
	// attributes { request { http { path: "\xff" } } }
	invalidUTF8 := []byte{0x0a, 0x07, 0x22, 0x05, 0x12, 0x03, 0x22, 0x01, 0xff}
	if code := send(invalidUTF8); code != codes.Internal {
		t.Errorf("invalid UTF-8: %v", code)
	}
	if code := send([]byte{0x0a, 0xff}); code != codes.Internal {
		t.Errorf("a length without content: %v", code)
	}
	if code := send(slices.Repeat([]byte{0x0a, 0x00}, 1<<18)); code != codes.ResourceExhausted {
		t.Errorf("512 KiB: %v", code)
	}
	if c := r.authz.Counts(); c.Undecodable != 2 || c.TooLarge != 1 || c.Checks != 0 {
		t.Errorf("counts = %+v", c)
	}
	if v := r.ask(t, get()); !v.Allowed {
		t.Error("the connection does not work any more")
	}
}

func TestHeaderSizes(t *testing.T) {
	r := serve(t, deciderFunc(allowAll))
	for _, raw := range []bool{false, true} {
		h := get()
		h.Raw = raw
		for i := range 96 {
			h.Headers = append(h.Headers, Field{"x-" + strings.Repeat("n", i+1), strings.Repeat("v", 560)})
		}
		if v := r.ask(t, h); !v.Allowed {
			t.Error("60 KiB of headers were refused")
		}
		h.Headers = append(h.Headers, Field{"x-huge", strings.Repeat("v", 1<<20)})
		if _, err := r.Check(soon(t), h); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("1 MiB of headers: %v", err)
		}
	}
	if n := r.authz.Counts().TooLarge; n != 2 {
		t.Errorf("counted %d", n)
	}
}

func TestUnreadyFails(t *testing.T) {
	r := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}})
	if _, err := r.Check(soon(t), get()); status.Code(err) != codes.Unavailable {
		t.Errorf("before ready: %v", err)
	}
	r.server.Ready()
	if v := r.ask(t, get()); !v.Allowed {
		t.Error("ready, and not allowed")
	}
	r.authz.Close()
	if _, err := r.Check(soon(t), get()); status.Code(err) != codes.Unavailable {
		t.Errorf("after the drain: %v", err)
	}
	if n := r.authz.Counts().Unready; n != 2 {
		t.Errorf("counted %d", n)
	}
}

// TestRegister: the service stands on anybody's server, interceptors included.
func TestRegister(t *testing.T) {
	a := New(deciderFunc(allowAll), Options{})
	a.Open()
	seen := make(chan string, 1)
	s := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, msg any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		seen <- info.FullMethod + " " + msg.(*authv3.CheckRequest).GetAttributes().GetRequest().GetHttp().GetMethod()
		return handler(ctx, msg)
	}))
	Register(s, a)
	l, err := listenTCP(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	v, err := NewClient(dial(t, l.Addr())).Check(soon(t), get())
	if err != nil || !v.Allowed {
		t.Errorf("verdict = %+v, %v", v, err)
	}
	if got := <-seen; got != "/envoy.service.auth.v3.Authorization/Check GET" {
		t.Errorf("the interceptor saw %q", got)
	}
	s.Stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
