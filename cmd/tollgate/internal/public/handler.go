package public

import (
	"net/http"
	"time"
)

// maxHeader bounds what Handler expects of the listener's header limit.
const maxHeader = 32 << 10

// MaxHeaderBytes is for http.Server of the listener.
const MaxHeaderBytes = maxHeader

// New gives the handler of the public listener.
func New(s Spec, tokens Tokens) http.Handler {
	if s.Now == nil {
		s.Now = time.Now
	}
	mux := http.NewServeMux()
	var clients []Client
	for _, e := range s.Endpoints {
		mux.Handle("POST "+e.Path, newEndpoint(e, &s, tokens))
		clients = append(clients, e.Clients...)
	}
	known := newClients(clients)
	mux.Handle("POST /revoke", &revoker{tokens: tokens, clients: known})
	mux.Handle("POST /introspect", &introspector{tokens: tokens, clients: known})
	if s.ResourceMetadata != "" {
		mux.Handle("GET /.well-known/oauth-protected-resource", resource(&s))
	}
	return headers(mux)
}

// headers sets what every answer here has.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
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
