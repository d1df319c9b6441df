package public

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRevokeAndIntrospect(t *testing.T) {
	_, _, half := jwt()
	basic := []string{"Authorization", "Basic cnM6cnMrc2VjcmV0"} // rs:rs+secret, form-encoded
	bad := []string{"Authorization", "Basic cnM6b3RoZXI="}
	nobody := func(s *Spec) { s.Endpoints[0].Clients = nil }
	tests := map[string]struct {
		change func(*Spec)
		c      call
		err    error
		status int
		says   string
		ended  bool
	}{
		"revoke":                      {nil, call{"/revoke", "token=" + half, "", basic}, nil, 200, "", true},
		"revoke with a hint":          {nil, call{"/revoke", "token=" + half + "&token_type_hint=refresh_token", "", basic}, nil, 200, "", true},
		"revoke an unknown one":       {nil, call{"/revoke", "token=x", "", basic}, nil, 200, "", false},
		"revoke as nobody":            {nil, call{"/revoke", "token=" + half, "", nil}, nil, 401, "invalid_client", false},
		"revoke with a bad secret":    {nil, call{"/revoke", "token=" + half, "", bad}, nil, 401, "invalid_client", false},
		"revoke where everyone may":   {nobody, call{"/revoke", "token=" + half, "", nil}, nil, 200, "", true},
		"revoke nothing":              {nil, call{"/revoke", "", "", basic}, nil, 400, "invalid_request", false},
		"revoke two":                  {nil, call{"/revoke", "token=" + half + "&token=x", "", basic}, nil, 400, "invalid_request", false},
		"revoke with the store down":  {nil, call{"/revoke", "token=x", "", basic}, errors.New("redis"), 503, "temporarily_unavailable", false},
		"introspect":                  {nil, call{"/introspect", "token=" + half, "", basic}, nil, 200, `{"active":true,"n":12345678901234567890,"sub":"alice"}`, false},
		"introspect an unknown one":   {nil, call{"/introspect", "token=x", "", basic}, nil, 200, `{"active":false}`, false},
		"introspect as nobody":        {nil, call{"/introspect", "token=" + half, "", nil}, nil, 401, "invalid_client", false},
		"introspect without clients":  {nobody, call{"/introspect", "token=" + half, "", basic}, nil, 401, "invalid_client", false},
		"introspect, an empty secret": {func(s *Spec) { s.Endpoints[0].Clients = []Client{{ID: "rs"}} }, call{"/introspect", "token=" + half, "", []string{"Authorization", "Basic cnM6"}}, nil, 401, "invalid_client", false},
		"introspect with store down":  {nil, call{"/introspect", "token=x", "", basic}, errors.New("redis"), 503, "temporarily_unavailable", false},
	}
	for name, tt := range tests {
		r := newRig(t, tt.change)
		r.tokens.err = tt.err
		got := r.post(t, tt.c)
		text := body(t, got)
		if got.StatusCode != tt.status || !strings.Contains(text, tt.says) || strings.Contains(text, "redis") {
			t.Errorf("%s: %d %s", name, got.StatusCode, text)
		}
		if got.Header.Get("Cache-Control") != "no-store" || (got.StatusCode == 401) != (got.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: headers %v", name, got.Header)
		}
		if _, ended := r.tokens.ended.Load(half); ended != tt.ended {
			t.Errorf("%s: ended %v", name, ended)
		}
	}
}

// Secrets cannot be tried without end, and where everyone may revoke, nobody can
// keep the gate busy with it.
func TestStrangersAreCounted(t *testing.T) {
	for name, c := range map[string]call{
		"secrets":    {"/introspect", "token=x", "", []string{"Authorization", "Basic cnM6b3RoZXI="}},
		"everyone's": {"/revoke", "token=x", "", nil},
	} {
		r := newRig(t, func(s *Spec) {
			if name == "everyone's" {
				s.Endpoints[0].Clients = nil
			}
		})
		for range strangers {
			if got := r.post(t, c); got.StatusCode == 429 {
				t.Fatalf("%s: refused too early", name)
			}
		}
		if got := r.post(t, c); got.StatusCode != 429 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	r := newRig(t, nil)
	for range 3 * strangers {
		if got := r.post(t, call{"/introspect", "token=x", "", []string{"Authorization", "Basic cnM6cnMrc2VjcmV0"}}); got.StatusCode != 200 {
			t.Fatalf("a client: %d", got.StatusCode)
		}
	}
}

func TestResourceMetadata(t *testing.T) {
	for metadata, paths := range map[string][]string{
		"https://api.example.com/.well-known/oauth-protected-resource":        {wellKnown},
		"https://api.example.com/.well-known/oauth-protected-resource/orders": {wellKnown, wellKnown + "/orders"},
	} {
		r := newRig(t, func(s *Spec) {
			s.ResourceMetadata, s.Issuers, s.Scopes = metadata, []string{"https://issuer.example/"}, []string{"orders:read"}
		})
		for _, path := range paths {
			w := httptest.NewRecorder()
			r.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			var said struct {
				Resource string   `json:"resource"`
				Servers  []string `json:"authorization_servers"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != 200 ||
				said.Resource != strings.Replace(metadata, wellKnown, "", 1) || len(said.Servers) != 1 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	}
}
