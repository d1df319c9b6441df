package keyset

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// provider is an identity provider on in-memory pipes, so that a test runs on
// synctest's clock.
type provider struct {
	fetches atomic.Int64 // requests of any path
	conns   chan net.Conn
	closed  chan struct{}
	server  *http.Server

	mu      sync.Mutex
	answers http.HandlerFunc
}

func newProvider(t *testing.T, answers http.HandlerFunc) *provider {
	t.Helper()
	p := &provider{conns: make(chan net.Conn), closed: make(chan struct{}), answers: answers}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.server.Serve(p)
	}()
	t.Cleanup(func() {
		_ = p.server.Close()
		<-done
	})
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.fetches.Add(1)
	p.mu.Lock()
	answers := p.answers
	p.mu.Unlock()
	answers(w, r)
}

// now answers with something else from here on.
func (p *provider) now(answers http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

// Accept, Close and Addr make the provider a net.Listener.
func (p *provider) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *provider) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *provider) Addr() net.Addr { return &net.TCPAddr{} }

func (p *provider) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// serve answers with a document.
func serve(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(document))
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// slowly answers after d, or not at all when the client gives up before.
func slowly(d time.Duration, answers http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			answers(w, r)
		case <-r.Context().Done():
		}
	}
}

// hang answers nothing until the client gives up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// atKeys are options for a provider of newProvider.
var atKeys = Options{URL: "http://localhost/keys"}

// follow starts a set of o at the provider. The bubble of the test must wait
// (synctest.Wait) or sleep for the first fetch.
func (p *provider) follow(t *testing.T, o Options) *Remote {
	t.Helper()
	pool := NewPool(PoolConfig{Dial: p.dial})
	t.Cleanup(pool.Close)
	r, err := pool.Lease().Remote(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// loadedFrom starts a set that has done its first fetch.
func loadedFrom(t *testing.T, answers http.HandlerFunc, o Options) (*provider, *Remote) {
	t.Helper()
	p := newProvider(t, answers)
	r := p.follow(t, o)
	<-r.Tried()
	return p, r
}

// until lets time pass in the bubble.
func until(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// unknown is a query that no key has.
func unknown(kid string) *Query { return &Query{Alg: "EdDSA", Kid: kid, HasKid: true} }
