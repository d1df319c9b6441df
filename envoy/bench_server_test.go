package envoy

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// The benchmarks measure servers in processes of their own, so that the client's
// work is not counted. This file is what such a process runs.

// benchServerEnv names the server that this process shall be.
const benchServerEnv = "TOLLGATE_BENCH_SERVER"

// benchKeysEnv has the public keys as PEM.
const benchKeysEnv = "TOLLGATE_BENCH_KEYS"

// The servers. Stock is what every Go service behind Envoy begins as: generated
// messages, default options, an answer of three headers, no work.
const (
	stockServer = "stock"
	warmServer  = "tollgate"
	coldServer  = "tollgate without cache"
)

// usage is what a server process has used since it began.
type usage struct {
	CPU     time.Duration
	Mallocs uint64
	Bytes   uint64
}

// runBenchServer prints the address that it serves on, then its usage for every
// line on standard input, until that ends.
func runBenchServer(name string) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	stop, err := benchServe(name, l)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(l.Addr())
	encoder := json.NewEncoder(os.Stdout)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		_ = encoder.Encode(used())
	}
	stop()
	return 0
}

func used() usage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{
		CPU:     time.Duration(r.Utime.Nano() + r.Stime.Nano()),
		Mallocs: m.Mallocs, Bytes: m.TotalAlloc,
	}
}

func benchServe(name string, l net.Listener) (stop func(), err error) {
	if name == stockServer {
		s := grpc.NewServer()
		authv3.RegisterAuthorizationServer(s, stock{})
		go func() { _ = s.Serve(l) }()
		return s.Stop, nil
	}
	Tune(os.DirFS("/"), os.Getenv)
	e, err := benchEngine(name, []byte(os.Getenv(benchKeysEnv)))
	if err != nil {
		return nil, err
	}
	s := NewServer(New(e, Options{}), Config{})
	s.bound = []net.Listener{&securedListener{Listener: l, transport: plaintext()}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = s.Serve(ctx) }()
	s.Ready()
	return cancel, nil
}

// benchEngine has one API with an issuer, an audience, a scope and a policy.
func benchEngine(name string, keys []byte) (*authz.Engine, error) {
	options := authz.Options{Replica: "bench"}
	if name != coldServer {
		options.CacheBytes = 64 << 20
	}
	e := authz.New(options)
	snapshot, problems := e.Compile(context.Background(), authz.Spec{
		APIs: []authz.APISpec{{
			ID: "orders", Match: []authz.MatchSpec{{Host: "api.example.com", Path: "/orders"}},
			Keys:     []authz.KeySpec{{JWK: keys, Issuer: benchIssuer}},
			Claims:   authz.ClaimsSpec{Audiences: []string{"orders"}},
			Policies: policies.SelectorSpec{Default: []string{"basic"}},
		}},
		Policies: []policies.Spec{{
			ID: "basic", RequireScopes: []string{"orders:read"}, Tags: []string{"retail"},
			Access: []policies.AccessSpec{{API: "orders", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/orders/**"}}}},
		}},
	})
	if snapshot == nil {
		return nil, fmt.Errorf("%+v", problems)
	}
	e.Swap(snapshot)
	return e, nil
}

const benchIssuer = "https://issuer.example/"

// stock is a service that lets everything through.
type stock struct {
	authv3.UnimplementedAuthorizationServer
}

// Check answers OK with three headers.
func (stock) Check(context.Context, *authv3.CheckRequest) (*authv3.CheckResponse, error) {
	header := func(name, value string) *corev3.HeaderValueOption {
		return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: name, Value: value}, AppendAction: overwrite}
	}
	return &authv3.CheckResponse{
		Status: &rpcstatus.Status{},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{Headers: []*corev3.HeaderValueOption{
			header("x-auth-subject", "alice"), header("x-auth-plan", "pro"), header("x-auth-tenant", "shop"),
		}}},
	}, nil
}
