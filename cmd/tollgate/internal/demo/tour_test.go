package demo

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	aHalf  = "half-half-half-half-half-half-half-half-half-half"
	aWhole = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9." + aHalf
)

// front answers as a front with a gate behind it might: it gives token at /token,
// lets every request through and hands authorization on to the upstream.
func front(t *testing.T, token, authorization string) *Tour {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token":
			_ = json.NewEncoder(w).Encode(map[string]string{"access_token": token})
		case "/revoke":
		default:
			r.Header.Set("Authorization", "Bearer "+authorization)
			w.Header().Set("x-tollgate-decision", "d")
			Upstream().ServeHTTP(w, r)
		}
	}))
	t.Cleanup(site.Close)
	return &Tour{Base: site.URL, Client: Client{ID: "alice"}, Out: t.Output()}
}

// TestTourSeesHalves: it is content only where the client has a half and the
// upstream the token of that very half.
func TestTourSeesHalves(t *testing.T) {
	step := splitSteps()[:1]
	if err := front(t, aHalf, aWhole).Run(t.Context(), step); err != nil {
		t.Errorf("a half that is joined: %v", err)
	}
	for name, tour := range map[string]*Tour{
		"a half that is handed on":        front(t, aHalf, aHalf),
		"a client with the whole token":   front(t, aWhole, aWhole),
		"the token of another half":       front(t, aHalf, aWhole+"x"),
		"a half of a few characters only": front(t, "half", strings.TrimSuffix(aWhole, aHalf)+"half"),
	} {
		if err := tour.Run(t.Context(), step); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestTourSeesWhatIsRevoked: a front that lets revoked tokens through is found out,
// and no token is ever told.
func TestTourSeesWhatIsRevoked(t *testing.T) {
	tour := front(t, aHalf, aWhole)
	var told strings.Builder
	tour.Out = &told
	if err := tour.Run(t.Context(), splitSteps()[1:]); !errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), "2 of 2") {
		t.Errorf("error %v", err)
	}
	if strings.Contains(told.String(), aHalf) {
		t.Error("a token is told")
	}
}

// TestTourMakesItsKey: a step of a key cannot be taken where no key can be made, and
// the refusal is told without the secret.
func TestTourMakesItsKey(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/keys" || r.Header.Get("Authorization") != "Bearer s" {
			t.Errorf("%s with another secret", r.URL.Path)
		}
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`{"code":7,"message":"role write is needed"}`)) //nolint:errcheck // the client has gone
	}))
	defer site.Close()
	tour := &Tour{Base: site.URL, Admin: Admin{URL: site.URL, Secret: "s"}, Out: t.Output()}
	for _, step := range keySteps() {
		err := tour.Run(t.Context(), []Step{step})
		if err == nil || errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), "role write is needed") {
			t.Errorf("%s: error %v", step.Name, err)
		}
	}
}
