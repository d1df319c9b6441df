package public

import (
	"encoding/json"
	"net/http"
	"strings"
)

// resource is the metadata of RFC 9728, made once.
func resource(s *Spec) http.Handler {
	body, err := json.Marshal(struct {
		Resource string   `json:"resource"`
		Servers  []string `json:"authorization_servers,omitempty"`
		Scopes   []string `json:"scopes_supported,omitempty"`
		Methods  []string `json:"bearer_methods_supported"`
	}{resourceOf(s.ResourceMetadata), s.Issuers, s.Scopes, []string{"header"}})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			fail(w, http.StatusInternalServerError, "server_error", "the metadata cannot be written")
			return
		}
		write(w, http.StatusOK, body)
	})
}

// wellKnown stands between host and path of the resource in the URL of its
// metadata (RFC 9728 section 3).
const wellKnown = "/.well-known/oauth-protected-resource"

// resourceOf is the resource that a metadata URL speaks of.
func resourceOf(metadata string) string {
	origin, path, ok := strings.Cut(metadata, wellKnown)
	if !ok {
		return metadata
	}
	return origin + path
}
