package keyset

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// badAnswers are what a provider must not be able to do to us, each with the
// reason that the state shows.
func badAnswers(document string) map[string]struct {
	answers http.HandlerFunc
	want    string
} {
	type bad = struct {
		answers http.HandlerFunc
		want    string
	}
	with := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, document)
		}
	}
	return map[string]bad{
		"status 500":        {with(500), "answered with status 500"},
		"status 404":        {with(404), "answered with status 404"},
		"status 429":        {with(429), "answered with status 429"},
		"status 203":        {with(203), "answered with status 203"},
		"304 not asked for": {status(http.StatusNotModified), "answered with status 304"},
		"html":              {serve("<!doctype html>" + document), "is HTML or XML, not a JSON Web Key Set"},
		"nothing":           {serve(""), "is no JSON Web Key Set"},
		"cut off":           {serve(document[:len(document)-2]), "does not follow the grammar"},
		"two documents":     {serve(document + document), "followed by other text"},
		"error document":    {serve(`{"error":"temporarily"}`), "is no JSON Web Key Set"},
		"100 MB announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "104857600")
			_, _ = io.WriteString(w, document)
		}, "is larger than 1 MiB"},
		"100 MB":    {endless(document, 100<<20), "is larger than 1 MiB"},
		"gzip bomb": {bomb(document, 256<<20), "is larger than 1 MiB"},
		"broken gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, document)
		}, "gzip: invalid header"},
		"other encoding": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			_, _ = io.WriteString(w, "\x0b\x02\x80")
		}, "is no JSON Web Key Set"},
		"redirect loop":     {redirectTo("/keys"), "more than 3 redirects"},
		"redirect host":     {redirectTo("http://127.0.0.1/keys"), "redirected to another host"},
		"redirect port":     {redirectTo("http://localhost:8080/keys"), "redirected to another port"},
		"redirect file":     {redirectTo("file:///etc/passwd"), "redirected to another scheme"},
		"redirect metadata": {redirectTo("http://169.254.169.254/"), "redirected to another host"},
		"one byte a second": {drip(document), "no whole answer within 10s"},
		"hung":              {hang, "no whole answer within 10s"},
		"endless header":    {longHeader, "server response headers exceeded"},
	}
}

// Nothing that a provider answers takes good keys away or hides why (issue 6).
func TestBadAnswersKeepGoodKeys(t *testing.T) {
	s := newSigner("good")
	document := set(s.jwk())
	for name, bad := range badAnswers(document) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, r := loadedFrom(t, serve(document), atKeys)
				generation := r.Generation()
				p.now(bad.answers)
				until(t, defaultRefresh+fetchTimeout)
				state := r.State()
				if state.Failures == 0 || !strings.Contains(state.LastError, bad.want) {
					t.Errorf("state is %+v, want %q", state, bad.want)
				}
				if !verified(r, s.token(t, `{}`)) || r.Generation() != generation || len(state.Keys) != 1 {
					t.Error("the good key is gone")
				}
				p.now(serve(document))
				until(t, defaultRefresh)
				if state := r.State(); state.LastError != "" || state.Age > defaultRefresh {
					t.Errorf("no recovery: %+v", state)
				}
			})
		})
	}
}

// From a cold start the same answers give no keys, and the reason.
func TestBadAnswersGiveNoKeys(t *testing.T) {
	s := newSigner("good")
	document := set(s.jwk())
	for name, bad := range badAnswers(document) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, r := loadedFrom(t, bad.answers, atKeys)
				state := r.State()
				if state.Ready || !state.Tried || !strings.Contains(state.LastError, bad.want) {
					t.Errorf("state is %+v, want %q", state, bad.want)
				}
				if verified(r, s.token(t, `{}`)) {
					t.Error("a bad answer gave a key")
				}
			})
		})
	}
}

// Memory stays flat however much a provider sends.
func TestBombsAreReadNoFurtherThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, r := loadedFrom(t, bomb(set(newSigner("k").jwk()), 1<<30), atKeys)
		if r.State().Ready {
			t.Fatal("the bomb gave keys")
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		until(t, time.Minute)
		runtime.ReadMemStats(&after)
		rounds := uint64(p.fetches.Load() - 1)
		if per := (after.TotalAlloc - before.TotalAlloc) / max(rounds, 1); rounds == 0 || per > 16<<20 {
			t.Errorf("%d fetches allocated %d MiB each", rounds, per>>20)
		}
	})
}

func endless(document string, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, document[:len(document)-2])
		blanks := strings.Repeat(" ", 64<<10)
		for range size / len(blanks) {
			if _, err := io.WriteString(w, blanks); err != nil {
				return
			}
		}
	}
}

// bomb answers with few bytes that inflate to size: members of gzip can be
// repeated.
func bomb(document string, size int) http.HandlerFunc {
	packed := gzipped([]byte(document[:len(document)-2]))
	packed = append(packed, bytes.Repeat(gzipped(bytes.Repeat([]byte(" "), 1<<20)), size>>20)...)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed)
	}
}

func gzipped(text []byte) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(text)
	_ = z.Close()
	return packed.Bytes()
}

func redirectTo(target string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusFound)
	}
}

func drip(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for _, c := range []byte(document) {
			_, _ = w.Write([]byte{c})
			_ = http.NewResponseController(w).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			}
		}
	}
}

func longHeader(w http.ResponseWriter, _ *http.Request) {
	for i := range 40 {
		w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 4096))
	}
	w.WriteHeader(http.StatusOK)
}

// Three redirects on the same host are followed, the fourth is not.
func TestRedirectsOnTheSameHost(t *testing.T) {
	for hops, want := range map[int]bool{1: true, 3: true, 4: false, 20: false} {
		t.Run(fmt.Sprint(hops), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSigner("k")
				left := hops
				_, r := loadedFrom(t, func(w http.ResponseWriter, r *http.Request) {
					if left > 0 {
						left--
						redirectTo("/hop/"+strconv.Itoa(left))(w, r)
						return
					}
					serve(set(s.jwk()))(w, r)
				}, atKeys)
				if got := verified(r, s.token(t, `{}`)); got != want {
					t.Errorf("%d redirects: keys %v, want %v (%s)", hops, got, want, r.State().LastError)
				}
			})
		})
	}
}
