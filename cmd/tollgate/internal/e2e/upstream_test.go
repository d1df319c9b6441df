package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

// received is one request as it reached the upstream.
type received struct {
	Method, Target, Host string
	Header               http.Header
	Body                 string
}

// recorder is an upstream that keeps what reaches it and echoes it.
type recorder struct {
	address string
	quiet   bool // count only

	mutex sync.Mutex
	kept  []received
	count int
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	listener, err := demo.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	site := demo.Serve(listener, r)
	r.address = site.Address
	t.Cleanup(func() { _ = site.Close() })
	return r
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(request.Body, 1<<20))
	got := received{
		Method: request.Method, Target: request.RequestURI, Host: request.Host,
		Header: request.Header.Clone(), Body: string(body),
	}
	r.mutex.Lock()
	r.count++
	if !r.quiet {
		r.kept = append(r.kept, got)
	}
	r.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(got)
}

// take gives what has reached the upstream since the last take.
func (r *recorder) take() []received {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	kept := r.kept
	r.kept = nil
	return kept
}

// one gives the only request that reached the upstream.
func (r *recorder) one(t *testing.T) received {
	t.Helper()
	got := r.take()
	if len(got) != 1 {
		t.Fatalf("%d requests reached the upstream, expected 1", len(got))
	}
	return got[0]
}

// none fails when anything reached the upstream.
func (r *recorder) none(t *testing.T) {
	t.Helper()
	for _, got := range r.take() {
		t.Errorf("%s %s reached the upstream", got.Method, got.Target)
	}
}
