package cases

import (
	"context"
	"errors"
	"log/slog"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Wire is the surface that a front has: the gRPC server, here on loopback.
func Wire(parts Parts) Surface { return wire{parts} }

type wire struct{ parts Parts }

// Name names the surface.
func (wire) Name() string { return "grpc" }

// Open serves the configuration.
func (w wire) Open(ctx context.Context, path string) (Session, error) {
	engine, err := w.parts.engine(ctx, path)
	if err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	server := envoy.NewServer( //nolint:contextcheck // it lives until Close, longer than this call
		envoy.New(engine, envoy.Options{Log: quiet}), envoy.Config{
			Listeners: []envoy.Listener{{Address: "127.0.0.1:0"}}, Log: quiet,
		})
	addresses, err := server.Listen(ctx)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	server.Ready()
	serving, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- server.Serve(serving) }()
	conn, err := grpc.NewClient("passthrough:///"+addresses[0].String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	s := &wired{running: engine, client: envoy.NewClient(conn), conn: conn, stop: cancel, served: served}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// wired is a served engine and a connection to it.
type wired struct {
	*running
	client *envoy.Client
	conn   *grpc.ClientConn
	stop   context.CancelFunc
	served chan error
}

// Ask asks over the connection.
func (w *wired) Ask(ctx context.Context, q *Question) (*Answer, error) {
	w.set(q.Now)
	verdict, err := w.client.Check(ctx, q.HTTP)
	if err != nil {
		return nil, err
	}
	answer := &Answer{
		Decision: verdict.Metadata["outcome"], Reason: verdict.Metadata["reason"], Status: verdict.Status,
		Headers: verdict.Headers, Body: verdict.Body, Metadata: verdict.Metadata, Whole: true,
	}
	if verdict.Allowed != (answer.Decision != "deny") {
		return nil, errors.New("the metadata says " + answer.Decision + " and the answer something else")
	}
	for _, field := range verdict.Set {
		answer.Edits = append(answer.Edits, authz.Edit{Name: field.Name, Value: field.Value})
	}
	for _, name := range verdict.Remove {
		answer.Edits = append(answer.Edits, authz.Edit{Name: name, Remove: true})
	}
	return answer, nil
}

// Close ends the server.
func (w *wired) Close() error {
	var err error
	if w.conn != nil {
		err = w.conn.Close()
	}
	w.stop()
	return errors.Join(err, <-w.served, w.running.Close())
}
