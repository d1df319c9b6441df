package public

import (
	"errors"
	"net/http"
)

// revoker is RFC 7009. Whoever holds a token may end it; with clients given,
// only they may.
type revoker struct {
	tokens  Tokens
	clients *clients
}

// ServeHTTP answers 200 for tokens that nobody knows too (RFC 7009 section 2.2):
// presenting something that does not verify changes nothing.
func (v *revoker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !v.clients.admitted(w, r, true) {
		return
	}
	f, err := readForm(w, r)
	if err != nil || f.values["token"] == "" {
		fail(w, http.StatusBadRequest, "invalid_request", "a form with one token is needed")
		return
	}
	if err := v.tokens.Revoke(r.Context(), f.values["token"]); err != nil && !errors.Is(err, ErrUnknown) {
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "the token cannot be revoked now")
		return
	}
	w.WriteHeader(http.StatusOK)
}
