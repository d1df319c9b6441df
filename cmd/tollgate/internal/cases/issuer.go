package cases

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// issuer serves the throw-away keys that stand for key sets named by URL, on
// loopback, from the first one on.
type issuer struct {
	mutex  sync.Mutex
	base   string
	sets   map[string][]byte // by path
	server *http.Server
}

// serve publishes keys as a set and gives its URL.
func (i *issuer) serve(ctx context.Context, keys []*tokens.Key) (string, error) {
	set, err := tokens.JWKS(keys...)
	if err != nil {
		return "", err
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.server == nil {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		i.base, i.sets = "http://"+listener.Addr().String(), map[string][]byte{}
		i.server = &http.Server{Handler: i, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = i.server.Serve(listener) }() // ends with Close
	}
	path := "/" + strconv.Itoa(len(i.sets))
	i.sets[path] = set
	return i.base + path, nil
}

// ServeHTTP answers with a key set.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mutex.Lock()
	set := i.sets[r.URL.Path]
	i.mutex.Unlock()
	if set == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(set) // a client that went away
}

func (i *issuer) close() error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.server == nil {
		return nil
	}
	if err := i.server.Close(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	i.server = nil
	return nil
}
