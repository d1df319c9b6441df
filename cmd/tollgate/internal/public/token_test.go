package public

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTokenHandsOutAHalf(t *testing.T) {
	r := newRig(t, nil)
	whole, _, half := jwt()
	var sent atomic.Pointer[http.Request]
	var form atomic.Pointer[string]
	r.serve(func(w http.ResponseWriter, req *http.Request) {
		text, _ := io.ReadAll(req.Body)
		posted := string(text)
		sent.Store(req)
		form.Store(&posted)
		w.Header().Set("Set-Cookie", "provider=1")
		_, _ = io.WriteString(w, answerOf(whole))
	})
	written := grant + "&scope=a+b%20c&x="
	got := r.post(t, call{form: written, headers: []string{"Authorization", "Basic c2hvcDpz", "Cookie", "a=1", "X-Other", "1", "DPoP", "proof"}})
	text := body(t, got)
	clean(t, "answer", text)
	want := `{"access_token":"` + half + `","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh","scope":"a b","extra":{"n":12345678901234567890}}`
	if got.StatusCode != 200 || text != want {
		t.Errorf("%d, and another answer than expected", got.StatusCode)
	}
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Pragma") != "no-cache" || got.Header.Get("Set-Cookie") != "" {
		t.Errorf("headers %v", got.Header)
	}
	req := sent.Load()
	if *form.Load() != written || req.URL.Path != "/oauth/token" || req.Header.Get("Authorization") != "Basic c2hvcDpz" || req.Header.Get("Dpop") != "proof" {
		t.Error("the provider does not get what the client sent")
	}
	if req.Header.Get("Cookie") != "" || req.Header.Get("X-Other") != "" {
		t.Error("the provider gets headers that are none of its business")
	}
}

func TestTokenAnswersBySetting(t *testing.T) {
	whole, signed, half := jwt()
	opaque := "an-opaque-token"
	tests := map[string]struct {
		change func(*Endpoint)
		answer string
		status int
		has    []string
		lacks  []string
	}{
		"id_token passes":        {func(e *Endpoint) { e.IDToken = Pass }, answerOf(whole), 200, []string{half, "id.to.ken"}, nil},
		"refresh_token dropped":  {func(e *Endpoint) { e.RefreshToken = Drop }, answerOf(whole), 200, []string{half}, []string{"refresh"}},
		"opaque refused":         {func(*Endpoint) {}, answerOf(opaque), 502, nil, []string{opaque}},
		"opaque passes":          {func(e *Endpoint) { e.Opaque = Pass }, answerOf(opaque), 200, []string{opaque}, []string{"id.to.ken"}},
		"JWE is not opaque":      {func(e *Endpoint) { e.Opaque = Pass }, answerOf("a.b.c.d.e"), 502, nil, []string{"a.b.c"}},
		"another token":          {func(e *Endpoint) { e.Opaque = Pass }, answerOf("a.b.c"), 502, nil, []string{"a.b.c"}},
		"twice in the answer":    {func(*Endpoint) {}, strings.Replace(answerOf(whole), `"scope":"a b"`, `"token":"`+whole+`"`, 1), 502, nil, []string{signed}},
		"deep in the answer":     {func(*Endpoint) {}, strings.Replace(answerOf(whole), `"scope":"a b"`, `"o":{"l":["`+signed+`"]}`, 1), 502, nil, []string{signed}},
		"twice by an escape":     {func(*Endpoint) {}, strings.Replace(answerOf(whole), `"scope":"a b"`, `"token":"\u0065`+whole[1:]+`"`, 1), 502, nil, []string{whole[1:]}},
		"escaped in its claims":  {func(*Endpoint) {}, strings.Replace(answerOf(whole), `"scope":"a b"`, `"o":["`+escaped(signed)+`"]`, 1), 502, nil, []string{escaped(signed)}},
		"in the name of another": {func(*Endpoint) {}, strings.Replace(answerOf(whole), `"scope"`, `"`+escaped(whole)+`"`, 1), 502, nil, []string{escaped(signed)}},
		"its claims alone":       {func(*Endpoint) {}, strings.Replace(answerOf(whole), "a b", signed[strings.IndexByte(signed, '.')+1:], 1), 502, nil, nil},
		"longer than it is kept": {func(*Endpoint) {}, strings.Replace(answerOf(whole), "3600", "7200", 1), 200, []string{`"expires_in":3600`}, []string{"7200"}},
		"shorter":                {func(*Endpoint) {}, strings.Replace(answerOf(whole), "3600", "60", 1), 200, []string{`"expires_in":60,`}, nil},
		"an odd number":          {func(*Endpoint) {}, strings.Replace(answerOf(whole), "3600", `"never"`, 1), 200, []string{`"expires_in":3600,`}, nil},
	}
	for name, tt := range tests {
		r := newRig(t, func(s *Spec) { tt.change(&s.Endpoints[0]) })
		r.answer(200, "application/json", tt.answer)
		got := r.post(t, call{form: grant})
		text := body(t, got)
		clean(t, name, text)
		if got.StatusCode != tt.status || !json.Valid([]byte(text)) {
			t.Errorf("%s: status %d", name, got.StatusCode)
		}
		for _, part := range tt.has {
			if !strings.Contains(text, part) {
				t.Errorf("%s: something is missing", name)
			}
		}
		for _, part := range tt.lacks {
			if strings.Contains(text, part) {
				t.Errorf("%s: something is too much", name)
			}
		}
	}
}

// escaped writes the first and the last letter of a text for JSON in another way.
func escaped(s string) string {
	return fmt.Sprintf(`\u%04x%s\u%04x`, s[0], s[1:len(s)-1], s[len(s)-1])
}

// A provider that sends without end is cut off: nothing of it is kept.
func TestEndlessAnswerIsCutOff(t *testing.T) {
	r := newRig(t, nil)
	whole, _, _ := jwt()
	const most = 100 << 20
	sent := make(chan int, 1)
	r.serve(func(w http.ResponseWriter, _ *http.Request) {
		n, chunk := 0, []byte(strings.Repeat(" ", 1<<20))
		_, _ = io.WriteString(w, answerOf(whole)[:100])
		for n < most {
			if _, err := w.Write(chunk); err != nil {
				break
			}
			n += len(chunk)
		}
		sent <- n
	})
	got := r.post(t, call{form: grant})
	if got.StatusCode != 502 {
		t.Errorf("status %d", got.StatusCode)
	}
	clean(t, "answer", body(t, got))
	if n := <-sent; n > most/2 {
		t.Errorf("%d bytes were taken of an answer that may have %d", n, maxAnswer)
	}
}

// Whatever a provider answers, no part of a token leaves.
func TestTokenOfABadProvider(t *testing.T) {
	whole, _, _ := jwt()
	good := answerOf(whole)
	plain := func(status int, kind, text string, headers ...string) func(*rig) {
		return func(r *rig) { r.answer(status, kind, text, headers...) }
	}
	tests := map[string]struct {
		provide func(*rig)
		status  int
		code    string
	}{
		"100 MB": {func(r *rig) {
			r.serve(func(w http.ResponseWriter, _ *http.Request) {
				chunk := []byte(strings.Repeat(" ", 1<<20))
				_, _ = io.WriteString(w, good[:len(good)-1])
				for range 100 {
					if _, err := w.Write(chunk); err != nil {
						return
					}
				}
				_, _ = io.WriteString(w, "}")
			})
		}, 502, "server_error"},
		"HTML":               {plain(200, "text/html", "<html>"+whole+"</html>"), 502, "server_error"},
		"nothing":            {plain(200, "application/json", ""), 502, "server_error"},
		"an array":           {plain(200, "application/json", "["+good+"]"), 502, "server_error"},
		"text behind":        {plain(200, "application/json", good+good), 502, "server_error"},
		"cut short":          {plain(200, "application/json", good[:len(good)-1]), 502, "server_error"},
		"token twice":        {plain(200, "application/json", `{"access_token":"`+whole+`",`+good[1:]), 502, "server_error"},
		"another name twice": {plain(200, "application/json", `{"scope":"x",`+good[1:]), 502, "server_error"},
		"twice by an escape": {plain(200, "application/json", `{"access\u005ftoken":"`+whole+`",`+good[1:]), 502, "server_error"},
		"no token":           {plain(200, "application/json", `{"token_type":"Bearer"}`), 502, "server_error"},
		"token is an object": {plain(200, "application/json", `{"access_token":{"t":"`+whole+`"}}`), 502, "server_error"},
		"token is null":      {plain(200, "application/json", `{"access_token":null}`), 502, "server_error"},
		"compressed": {func(r *rig) {
			r.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, good)
				_ = z.Close()
			})
		}, 502, "server_error"},
		"compressed in secret": {func(r *rig) {
			r.serve(func(w http.ResponseWriter, _ *http.Request) {
				z := gzip.NewWriter(w)
				_, _ = io.WriteString(z, good)
				_ = z.Close()
			})
		}, 502, "server_error"},
		"created":          {plain(201, "application/json", good), 502, "server_error"},
		"redirect":         {plain(302, "text/html", "", "Location", "http://127.0.0.1:1/"+whole), 502, "server_error"},
		"307":              {plain(307, "text/html", "", "Location", "/oauth/other"), 502, "server_error"},
		"500":              {plain(500, "application/json", `{"error":"x","t":"`+whole+`"}`), 502, "server_error"},
		"503 with HTML":    {plain(503, "text/html", "<html>"+whole), 502, "server_error"},
		"401 with HTML":    {plain(401, "text/html", "<html>"+whole), 401, "invalid_client"},
		"400 with HTML":    {plain(400, "text/html", "<html>"+whole), 400, "invalid_request"},
		"400 with a token": {plain(400, "application/json", good), 400, "invalid_request"},
		"400 with a JWT":   {plain(400, "application/json", `{"error":"x","hint":"`+whole+`"}`), 400, "invalid_request"},
		"400, escaped":     {plain(400, "application/json", `{"error":"x","hint":["`+escaped(whole)+`"]}`), 400, "invalid_request"},
		"unknown client":   {plain(401, "application/json", `{"error":"invalid_client","error_description":"nobody"}`), 401, "invalid_client"},
		"mfa_required":     {plain(403, "application/json", `{"error":"mfa_required","mfa_token":"Fe26.2*x*y"}`), 403, "mfa_required"},
		"error of OAuth":   {plain(400, "application/json", `{"error":"invalid_grant"}`), 400, "invalid_grant"},
		"invalid_client":   {plain(401, "application/json", `{"error":"invalid_client"}`, "WWW-Authenticate", "Basic realm=p"), 401, "invalid_client"},
		"challenge":        {plain(401, "application/json", `{"error":"invalid_client"}`, "WWW-Authenticate", `Bearer hint="`+whole+`"`), 401, "invalid_client"},
		"hangs up":         {func(r *rig) { r.serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }) }, 502, "server_error"},
		"hangs up midway": {func(r *rig) {
			r.serve(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				_, _ = io.WriteString(w, good)
			})
		}, 502, "server_error"},
	}
	for name, tt := range tests {
		r := newRig(t, nil)
		tt.provide(r)
		got := r.post(t, call{form: grant})
		text := body(t, got)
		clean(t, name, text)
		var said struct{ Error string }
		if err := json.Unmarshal([]byte(text), &said); err != nil || got.StatusCode != tt.status || said.Error != tt.code {
			t.Errorf("%s: status %d, error %q, %v; expected %d %s", name, got.StatusCode, said.Error, err, tt.status, tt.code)
		}
		clean(t, name+", headers", fmt.Sprint(got.Header))
		if got.Header.Get("Location") != "" || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", name, got.Header)
		}
		if r.asked.Load() != 1 {
			t.Errorf("%s: the provider was asked %d times", name, r.asked.Load())
		}
	}
}

func TestSlowProvider(t *testing.T) {
	const timeout = 200 * time.Millisecond
	over := make(chan struct{})
	for name, h := range map[string]http.HandlerFunc{
		"no answer": func(http.ResponseWriter, *http.Request) { <-over },
		"half of one": func(w http.ResponseWriter, _ *http.Request) {
			whole, _, _ := jwt()
			_, _ = io.WriteString(w, answerOf(whole)[:60])
			_ = http.NewResponseController(w).Flush()
			<-over
		},
	} {
		r := newRig(t, func(s *Spec) { s.Endpoints[0].Timeout = timeout })
		r.serve(h)
		began := time.Now()
		got := r.post(t, call{form: grant})
		if took := time.Since(began); got.StatusCode != 502 || took > 5*timeout+2*time.Second {
			t.Errorf("%s: %d after %v", name, got.StatusCode, took)
		}
		clean(t, name, body(t, got))
	}
	close(over)
}

func TestTokenThatCannotBeKept(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"store":   {errors.New("the store at redis://secret cannot be asked"), 503, "temporarily_unavailable"},
		"refused": {ErrRefused, 502, "server_error"},
	} {
		r := newRig(t, nil)
		r.tokens.err = tt.err
		got := r.post(t, call{form: grant})
		text := body(t, got)
		clean(t, name, text)
		if got.StatusCode != tt.status || !strings.Contains(text, tt.code) || strings.Contains(text, "redis") || strings.Contains(text, "refresh") {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		if tt.status == 503 && got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
}
