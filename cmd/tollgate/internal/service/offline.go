package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// Offline is the admin API of a configuration within this process, on its store
// itself. It is an http.RoundTripper that a client sends to.
type Offline struct {
	Secret string // what the client has to send

	server  *admin.Server
	closing func() error
}

// ErrBroken means that the engine refuses a configuration that could be read.
var ErrBroken = errors.New("the engine refuses the configuration: tollgate validate says why")

// OpenOffline opens the store of a configuration, which no service may hold where it
// is a directory.
func OpenOffline(ctx context.Context, c *config.Config, now func() time.Time) (*Offline, error) {
	s := &Service{options: Options{Now: now}, first: c}
	engine, closing, err := s.single(ctx, true)
	if err != nil {
		return nil, err
	}
	o := &Offline{Secret: credential.Random(), closing: closing}
	snapshot, _ := engine.Compile(ctx, c.Spec)
	if snapshot == nil {
		return nil, errors.Join(ErrBroken, closing())
	}
	engine.Swap(snapshot)
	auth, err := admin.NewAuth([]admin.Token{{Name: "offline", Secret: []byte(o.Secret), Role: admin.Write}}, nil)
	if err != nil {
		return nil, errors.Join(err, closing())
	}
	parts := admin.Parts{Engine: engine, Usage: usage{engine}, Replica: replica(), Started: now(), Now: now}
	if s.kept != nil {
		parts.Credentials = s.kept.Keys()
		parts.Tokens = ended{engine, s.kept}
	}
	if o.server, err = admin.New(parts, auth); err != nil { //nolint:contextcheck // it lives until Close
		return nil, errors.Join(err, closing())
	}
	return o, nil
}

// RoundTrip implements http.RoundTripper.
func (o *Offline) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RemoteAddr = "offline"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := &recorded{header: http.Header{}, status: http.StatusOK}
	o.server.ServeHTTP(answer, in)
	return &http.Response{
		StatusCode: answer.status, Header: answer.header, Body: io.NopCloser(&answer.body), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

// recorded is an answer within this process.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorded) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorded) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

// Close gives the store back.
func (o *Offline) Close() error {
	o.server.Close()
	return o.closing()
}
