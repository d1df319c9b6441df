package envoy_test

import (
	"context"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// The check service stands on a gRPC server of your own, beside other services.
func ExampleRegister() {
	engine := authz.New(authz.Options{})
	defer engine.Close()
	snapshot, _ := engine.Compile(context.Background(), authz.Spec{}) // no API at all
	engine.Swap(snapshot)

	service := envoy.New(engine, envoy.Options{})
	server := grpc.NewServer()
	envoy.Register(server, service)
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	service.Open()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	verdict, err := envoy.NewClient(conn).Check(context.Background(), &envoy.HTTP{
		Method: "GET", Scheme: "https", Host: "api.example.com", Target: "/orders/7",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(verdict.Allowed, verdict.Status, verdict.Metadata["reason"])
	// Output: false 404 api_unknown
}
