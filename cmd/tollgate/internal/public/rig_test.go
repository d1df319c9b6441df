package public

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The tokens of the tests: a JWT in form, and what its client may see of it.
func jwt() (whole, signed, half string) {
	enc := base64.RawURLEncoding.EncodeToString
	signed = enc([]byte(`{"alg":"HS256"}`)) + "." + enc([]byte(`{"sub":"alice-the-secret-subject"}`))
	half = strings.Repeat("s", 43)
	return signed + "." + half, signed, half
}

// answerOf is a provider's answer with an access token.
func answerOf(token string) string {
	return `{"access_token":` + string(quote(token)) + `,"token_type":"Bearer","expires_in":3600,"id_token":"id.to.ken",` +
		`"refresh_token":"refresh","scope":"a b","extra":{"n":12345678901234567890}}`
}

// stubTokens is an engine that knows one token.
type stubTokens struct {
	err    error
	until  time.Time
	splits atomic.Int64
	ended  sync.Map
}

func (k *stubTokens) Split(_ context.Context, api, token string) (string, time.Time, error) {
	k.splits.Add(1)
	whole, _, half := jwt()
	switch {
	case k.err != nil:
		return "", time.Time{}, k.err
	case api != "orders" || token != whole:
		return "", time.Time{}, ErrRefused
	}
	return half, k.until, nil
}

func (k *stubTokens) Revoke(_ context.Context, token string) error {
	if _, _, half := jwt(); k.err == nil && token != half {
		return ErrUnknown
	}
	k.ended.Store(token, true)
	return k.err
}

func (k *stubTokens) Introspect(_ context.Context, token string) (Introspection, error) {
	_, _, half := jwt()
	if k.err != nil || token != half {
		return Introspection{}, k.err
	}
	return Introspection{Active: true, Claims: json.RawMessage(`{"sub":"alice","n":12345678901234567890,"active":false}`)}, nil
}

// rig is a public listener before a provider.
type rig struct {
	tokens   *stubTokens
	handler  http.Handler
	provider atomic.Pointer[http.HandlerFunc]
	asked    atomic.Int64
	now      atomic.Int64
}

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

func newRig(t *testing.T, change func(*Spec)) *rig {
	t.Helper()
	r := &rig{tokens: &stubTokens{until: noon().Add(time.Hour)}}
	r.now.Store(noon().UnixNano())
	whole, _, _ := jwt()
	r.answer(http.StatusOK, "application/json", answerOf(whole))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		(*r.provider.Load())(w, req)
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	s := Spec{
		Now: func() time.Time { return time.Unix(0, r.now.Load()) },
		Endpoints: []Endpoint{{
			Path: "/token", Upstream: server.URL + "/oauth/token", API: "orders", RefreshToken: Pass, IDToken: Drop, Opaque: Refuse,
			Grants: []string{"client_credentials", "authorization_code"}, Timeout: 10 * time.Second, Transport: transport,
			Requests: 1000, Per: time.Minute, Clients: []Client{{ID: "rs", Secret: []byte("rs secret")}},
		}},
	}
	if change != nil {
		change(&s)
	}
	r.handler = New(s, r.tokens)
	return r
}

func (r *rig) serve(h http.HandlerFunc) { r.provider.Store(&h) }

func (r *rig) answer(status int, kind, body string, headers ...string) {
	r.serve(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// call is one request to the listener.
type call struct {
	path, form, from string
	headers          []string // name, value
}

func (r *rig) post(t *testing.T, c call) *http.Response {
	t.Helper()
	if c.path == "" {
		c.path = "/token"
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, c.path, strings.NewReader(c.form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.from != "" {
		req.RemoteAddr = c.from
	}
	for i := 0; i+1 < len(c.headers); i += 2 {
		req.Header.Add(c.headers[i], c.headers[i+1])
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, req)
	return w.Result()
}

const grant = "grant_type=client_credentials&client_id=shop"

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// clean fails where an answer holds anything of the whole token. It never says what.
func clean(t *testing.T, name, text string) {
	t.Helper()
	whole, signed, _ := jwt()
	for _, part := range append(strings.Split(signed, "."), signed, whole, "alice-the-secret-subject") {
		if strings.Contains(text, part) || strings.Contains(text, url.QueryEscape(part)) {
			t.Errorf("%s: the answer holds a part of the token", name)
			return
		}
	}
}
