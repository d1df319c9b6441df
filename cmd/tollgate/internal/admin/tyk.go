package admin

import "net/http"

// tyk serves the Tyk-shaped keys API.
func (s *Server) tyk() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(tykPrefix, func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, http.StatusNotFound, "Not found") })
	return mux
}
