package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Echo is what the upstream tells of the request that reached it.
type Echo struct {
	Method  string              `json:"method"`
	Target  string              `json:"target"` // path and query as they arrived
	Host    string              `json:"host"`
	Headers map[string][]string `json:"headers"` // names in canonical case
	Bytes   int64               `json:"bytes"`   // length of the body
}

// header is what arrived under a name, "" for nothing.
func (e *Echo) header(name string) string {
	return strings.Join(e.Headers[http.CanonicalHeaderKey(name)], " | ")
}

// bearer is the token that arrived.
func (e *Echo) bearer() string { return strings.TrimPrefix(e.header("authorization"), "Bearer ") }

// Upstream answers every request with an Echo of it.
func Upstream() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<20))
		w.Header().Set("Content-Type", "application/json")
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(Echo{Method: r.Method, Target: r.RequestURI, Host: r.Host, Headers: r.Header, Bytes: n})
	})
}
