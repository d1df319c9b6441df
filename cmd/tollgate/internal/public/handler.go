package public

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxHeaderBytes is for http.Server of the listener.
const MaxHeaderBytes = 32 << 10

// Paths of the public listener that are no token endpoints.
const (
	pathRevoke     = "/revoke"
	pathIntrospect = "/introspect"
)

// router finds handlers by the exact path: paths are the configuration's, and
// nothing here is a pattern.
type router map[string]route

type route struct {
	method  string
	handler http.Handler
}

// New gives the handler of the public listener.
func New(s Spec, tokens Tokens) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	routes := router{}
	var clients []Client
	for _, e := range s.Endpoints {
		routes[e.Path] = route{http.MethodPost, newEndpoint(e, &s, tokens)}
		clients = append(clients, e.Clients...)
	}
	known := newClients(clients, &s)
	routes[pathRevoke] = route{http.MethodPost, &revoker{tokens: tokens, clients: known}}
	routes[pathIntrospect] = route{http.MethodPost, &introspector{tokens: tokens, clients: known}}
	if u, err := url.Parse(s.ResourceMetadata); err == nil && s.ResourceMetadata != "" {
		metadata := route{http.MethodGet, resource(&s)}
		routes[wellKnown] = metadata
		if strings.HasPrefix(u.Path, wellKnown+"/") { // of a resource with a path
			routes[u.Path] = metadata
		}
	}
	return routes
}

// ServeHTTP sets what every answer here has and hands the request on.
func (t router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	found, ok := t[r.URL.Path]
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "invalid_request", "there is nothing at this path")
	case r.Method != found.method:
		w.Header().Set("Allow", found.method)
		fail(w, http.StatusMethodNotAllowed, "invalid_request", "this path takes "+found.method+" only")
	default:
		found.handler.ServeHTTP(w, r)
	}
}

// write sends a JSON body.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
}

// fail sends an error in the form of RFC 6749 section 5.2. Texts are fixed.
func fail(w http.ResponseWriter, status int, code, description string) {
	body := append([]byte(`{"error":`), quote(code)...)
	body = append(append(body, `,"error_description":`...), quote(description)...)
	write(w, status, append(body, '}'))
}
