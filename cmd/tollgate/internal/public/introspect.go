package public

import (
	"encoding/json"
	"net/http"
)

// introspector is RFC 7662. Only clients may ask.
type introspector struct {
	tokens  Tokens
	clients *clients
}

// ServeHTTP says what a token is.
func (i *introspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !i.clients.admitted(w, r, false) {
		return
	}
	f, err := readForm(w, r)
	if err != nil || f.values["token"] == "" {
		fail(w, http.StatusBadRequest, "invalid_request", "a form with one token is needed")
		return
	}
	is, err := i.tokens.Introspect(r.Context(), f.values["token"])
	if err != nil {
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the token cannot be looked up now")
		return
	}
	if !is.Active {
		write(w, http.StatusOK, []byte(`{"active":false}`))
		return
	}
	said := map[string]json.RawMessage{}
	if json.Unmarshal(is.Claims, &said) != nil && is.Claims != nil {
		fail(w, http.StatusInternalServerError, "server_error", "the token's claims cannot be written")
		return
	}
	said["active"] = json.RawMessage("true")
	body, err := json.Marshal(said)
	if err != nil {
		fail(w, http.StatusInternalServerError, "server_error", "the token's claims cannot be written")
		return
	}
	write(w, http.StatusOK, body)
}
