package demo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Site is an HTTP server on loopback.
type Site struct {
	Address string // host:port
	server  *http.Server
	done    chan struct{}
}

// Listen opens address for Serve; "127.0.0.1:0" chooses a free port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// Serve serves handler on listener until Close.
func Serve(listener net.Listener, handler http.Handler) *Site {
	site := &Site{
		Address: listener.Addr().String(),
		server:  &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute},
		done:    make(chan struct{}),
	}
	go func() {
		defer close(site.done)
		// Serve always ends with an error: ErrServerClosed after Close.
		_ = site.server.Serve(listener)
	}()
	return site
}

// Done is closed when the site no longer serves.
func (s *Site) Done() <-chan struct{} { return s.done }

// Close ends the site and its connections.
func (s *Site) Close() error {
	err := s.server.Close()
	<-s.done
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
