package envoy

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // clients follow the health of servers
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/tollgate-authz/tollgate/authz"
)

const (
	serving    = healthv1.HealthCheckResponse_SERVING
	notServing = healthv1.HealthCheckResponse_NOT_SERVING
)

func TestHealth(t *testing.T) {
	r := serveConfig(t, deciderFunc(allowAll), Config{
		Listeners: []Listener{{Address: "127.0.0.1:0"}}, DrainDelay: time.Hour,
	})
	for _, service := range []string{"", ServiceName} {
		if got := r.health(t, service); got != notServing {
			t.Errorf("%q before ready: %v", service, got)
		}
	}
	watch, err := healthv1.NewHealthClient(r.conn).Watch(soon(t), &healthv1.HealthCheckRequest{Service: ServiceName})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		got, err := watch.Recv()
		if err != nil || got.GetStatus() != want {
			t.Fatalf("watch: %v, %v, want %v", got.GetStatus(), err, want)
		}
	}
	expect(notServing)
	r.server.Ready()
	expect(serving)
	for _, service := range []string{"", ServiceName} {
		if got := r.health(t, service); got != serving {
			t.Errorf("%q when ready: %v", service, got)
		}
	}
	r.stop() // the drain says NOT_SERVING and goes on answering
	expect(notServing)
	if v := r.ask(t, get()); !v.Allowed {
		t.Error("a draining server does not answer")
	}
	_, err = healthv1.NewHealthClient(r.conn).Check(soon(t), &healthv1.HealthCheckRequest{Service: "other"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("health of another service: %v", err)
	}
	_ = r.server.Close() // does not wait for the hour
}

// TestDrainInOrder: a call that came before the end is answered, a Watch holds
// nothing up, and a call after it fails.
func TestDrainInOrder(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	r := serve(t, deciderFunc(func(ctx context.Context, req authz.Request) authz.Answer {
		if req.Line().Target == "/slow" {
			close(began)
			<-release
		}
		return allowAll(ctx, req)
	}))
	watch, err := healthv1.NewHealthClient(r.conn).Watch(soon(t), &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	slow := make(chan error, 1)
	go func() {
		h := get()
		h.Target = "/slow"
		v, err := r.Check(soon(t), h)
		if err == nil && !v.Allowed {
			err = errors.New("denied")
		}
		slow <- err
	}()
	<-began
	r.stop()
	for { // the watch ends when the last answers are waited for
		if _, err := watch.Recv(); err != nil {
			break
		}
	}
	close(release)
	if err := <-slow; err != nil {
		t.Errorf("the call in flight: %v", err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := r.Check(soon(t), get()); status.Code(err) != codes.Unavailable {
		t.Errorf("after the drain: %v", err)
	}
}

// TestEndBeforeTheBeginning: a server that is told to end before its listeners
// are served ends as any other.
func TestEndBeforeTheBeginning(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	for range 100 {
		s := NewServer(New(deciderFunc(allowAll), Options{}), Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}})
		if _, err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(ended); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDrainIsBounded: calls that hang are cut off at the time-out.
func TestDrainIsBounded(t *testing.T) {
	began := make(chan struct{})
	r := serveConfig(t, deciderFunc(func(ctx context.Context, _ authz.Request) authz.Answer {
		close(began)
		<-ctx.Done()
		return authz.Answer{}
	}), Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}, DrainTimeout: 20 * time.Millisecond})
	r.server.Ready()
	failed := make(chan error, 1)
	go func() {
		_, err := r.Check(soon(t), get())
		failed <- err
	}()
	<-began
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if code := status.Code(<-failed); code != codes.Unavailable {
		t.Errorf("the call that hung: %v", code)
	}
	if !strings.Contains(r.log.String(), `"cut_off":1`) {
		t.Errorf("log = %s", r.log)
	}
}

// TestDrainLosesNoCall: two servers under load, one after the other drains and
// comes back, and no call fails that a client retries as Envoy does.
func TestDrainLosesNoCall(t *testing.T) {
	dir := t.TempDir()
	start := func(name string) *rig {
		r := serveConfig(t, deciderFunc(allowAll), Config{
			Listeners:  []Listener{{Address: "unix://" + filepath.Join(dir, name)}},
			DrainDelay: 100 * time.Millisecond,
		})
		r.server.Ready()
		return r
	}
	servers := map[string]*rig{"a": start("a"), "b": start("b")}
	targets := manual.NewBuilderWithScheme("drain")
	targets.InitialState(resolver.State{Addresses: []resolver.Address{
		{Addr: "unix://" + filepath.Join(dir, "a")}, {Addr: "unix://" + filepath.Join(dir, "b")},
	}})
	conn, err := grpc.NewClient(targets.Scheme()+":///", grpc.WithResolvers(targets),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultServiceConfig(`{
			"loadBalancingConfig": [{"round_robin": {}}],
			"healthCheckConfig": {"serviceName": "`+ServiceName+`"},
			"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.005s",
				"maxBackoff": "0.05s", "backoffMultiplier": 2, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	answered := make(chan struct{}, 64)
	ctx, cancel := context.WithCancel(soon(t))
	var clients sync.WaitGroup
	for range 32 {
		clients.Go(func() {
			question := Prepare(get())
			for ctx.Err() == nil {
				v, err := NewClient(conn).Ask(context.WithoutCancel(ctx), question)
				if err != nil || !v.Allowed {
					t.Errorf("a call failed: %v", err)
					return
				}
				select {
				case answered <- struct{}{}:
				default:
				}
			}
		})
	}
	more := func(n int) {
		for range n {
			select {
			case <-answered:
			case <-ctx.Done():
				t.Fatal("no more answers")
			}
		}
	}
	for _, name := range []string{"a", "b", "a"} {
		more(300)
		servers[name].stop()
		if err := <-servers[name].ended; err != nil {
			t.Error(err)
		}
		more(300)
		servers[name] = start(name)
		for servers[name].authz.Counts().Checks == 0 { // until it gets load again
			more(1)
		}
	}
	cancel()
	clients.Wait()
}

// TestConnectionAge: connections that are opened anew lose no call.
func TestConnectionAge(t *testing.T) {
	r := serveConfig(t, deciderFunc(allowAll), Config{
		Listeners: []Listener{{Address: "127.0.0.1:0"}},
		Limits:    Limits{ConnectionAge: 30 * time.Millisecond, AgeGrace: time.Minute},
	})
	r.server.Ready()
	var opened atomic.Int64
	conn := dial(t, r.addr, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		opened.Add(1)
		return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	}))
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for opened.Load() < 6 && !t.Failed() {
				if v, err := NewClient(conn).Check(soon(t), get()); err != nil || !v.Allowed {
					t.Errorf("a call failed: %v", err)
				}
			}
		})
	}
	clients.Wait()
}

// TestIdlePings: an Envoy that pings every 10 s without any call stays connected
// for an hour.
func TestIdlePings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(deciderFunc(allowAll), Options{})
		// An hour is longer than a connection lives by default.
		s := NewServer(a, Config{Limits: Limits{ConnectionAge: 24 * time.Hour, Workers: 1}})
		l := bufconn.Listen(1 << 16)
		s.bound = []net.Listener{&securedListener{Listener: l, transport: insecure.NewCredentials()}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()

		conn, err := l.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pinger := newPinger(t, conn)
		every := time.NewTicker(10 * time.Second)
		defer every.Stop()
		for range 360 {
			<-every.C
			pinger.ping()
			if frame := <-pinger.frames; frame != "ping answered" {
				t.Errorf("the server sent %s", frame)
				break
			}
		}
		_ = conn.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		for range pinger.frames { // until its reader ends
		}
	})
}

// pinger speaks just enough HTTP/2 to ping.
type pinger struct {
	framer *http2.Framer
	frames chan string // "ping answered", or the kind of any frame that ends a connection
}

func newPinger(t *testing.T, conn net.Conn) *pinger {
	t.Helper()
	p := &pinger{framer: http2.NewFramer(conn, conn), frames: make(chan string, 1)}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := p.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.frames)
		for {
			frame, err := p.framer.ReadFrame()
			if err != nil {
				return
			}
			switch f := frame.(type) {
			case *http2.PingFrame:
				if f.IsAck() {
					p.frames <- "ping answered"
				}
			case *http2.GoAwayFrame:
				p.frames <- "GOAWAY " + f.ErrCode.String()
			}
		}
	}()
	return p
}

func (p *pinger) ping() { _ = p.framer.WritePing(false, [8]byte{}) }

func TestOnlyCheckAndHealthAreServed(t *testing.T) {
	r := serve(t, deciderFunc(allowAll))
	for _, method := range []string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		"/grpc.channelz.v1.Channelz/GetServers",
		"/envoy.service.auth.v2.Authorization/Check",
		"/envoy.service.auth.v3.Authorization/Other",
		"/envoy.service.ext_proc.v3.ExternalProcessor/Process",
	} {
		in, out := &healthv1.HealthCheckRequest{}, &healthv1.HealthCheckResponse{}
		if err := r.conn.Invoke(soon(t), method, in, out); status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", method, err)
		}
	}
	for name := range r.server.grpc.GetServiceInfo() {
		if name != ServiceName && name != healthv1.Health_ServiceDesc.ServiceName {
			t.Errorf("%s is served", name)
		}
	}
}

// TestLimits: what a connection may ask of the server is what Limits says.
func TestLimits(t *testing.T) {
	r := serveConfig(t, deciderFunc(allowAll), Config{
		Listeners: []Listener{{Address: "127.0.0.1:0"}},
		Limits:    Limits{Streams: 7, HeaderBytes: 4096, MessageBytes: 2048, Handshake: 50 * time.Millisecond},
	})
	r.server.Ready()
	settings := func(addr net.Addr) map[http2.SettingID]uint32 {
		conn, err := (&net.Dialer{}).DialContext(soon(t), "tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		framer := http2.NewFramer(conn, conn)
		_, _ = io.WriteString(conn, http2.ClientPreface)
		_ = framer.WriteSettings()
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		got := map[http2.SettingID]uint32{}
		_ = frame.(*http2.SettingsFrame).ForeachSetting(func(s http2.Setting) error {
			got[s.ID] = s.Val
			return nil
		})
		return got
	}
	if got := settings(r.addr); got[http2.SettingMaxConcurrentStreams] != 7 || got[http2.SettingMaxHeaderListSize] != 4096 {
		t.Errorf("settings = %v", got)
	}
	if got := settings(serve(t, deciderFunc(allowAll)).addr); got[http2.SettingMaxConcurrentStreams] != 4096 || got[http2.SettingMaxHeaderListSize] != 64<<10 {
		t.Errorf("settings by default = %v", got)
	}
	if _, err := r.Check(soon(t), get(Field{"x-long", strings.Repeat("v", 3000)})); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a message over the limit: %v", err)
	}
	// A connection that says nothing is closed.
	silent, err := (&net.Dialer{}).DialContext(soon(t), "tcp", r.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_ = silent.SetReadDeadline(time.Now().Add(15 * time.Second))
	if _, err := io.Copy(io.Discard, silent); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection that said nothing was kept")
	}
}

// TestManyChecksDoNotStarveHealth: ten thousand calls at once, of which every
// worker and every stream is taken, and health still answers.
func TestManyChecksDoNotStarveHealth(t *testing.T) {
	const streams = 4096 // of one connection
	release, full := make(chan struct{}), make(chan struct{})
	var busy atomic.Int64
	r := serve(t, deciderFunc(func(ctx context.Context, req authz.Request) authz.Answer {
		if busy.Add(1) == streams {
			close(full)
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return allowAll(ctx, req)
	}))
	var failed atomic.Int64
	var calls sync.WaitGroup
	question := Prepare(get())
	for range 10_000 {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if v, err := r.Ask(ctx, question); err != nil || !v.Allowed {
				failed.Add(1)
			}
		})
	}
	select {
	case <-full:
	case <-soon(t).Done():
		t.Fatal("the calls did not arrive")
	}
	// Envoy checks health on a connection of its own.
	other := &rig{conn: dial(t, r.addr)}
	if got := other.health(t, ""); got != serving {
		t.Errorf("health under load = %v", got)
	}
	close(release)
	if got := r.health(t, ServiceName); got != serving { // and on the same one while calls flow
		t.Errorf("health on the busy connection = %v", got)
	}
	calls.Wait()
	if n := failed.Load(); n != 0 {
		t.Errorf("%d calls failed", n)
	}
}
