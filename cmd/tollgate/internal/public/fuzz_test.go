package public

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// encoding/json is the oracle of the answer's reader and of what is written.
func FuzzAnswer(f *testing.F) {
	whole, _, half := jwt()
	for _, text := range []string{
		"", "{}", "[]", "null", answerOf(whole), answerOf("opaque"), `{"a":1,"a":2}`, `{"access_token":"a","access\u005ftoken":"b"}`,
		`{"a":[{"b":{}}],"c":-1.5e9,"d":"\ud800","e":true}`, `{"a":1}{"b":2}`, `{"a":1,}`, `{"a" 1}`, "{\"a\":\"\xff\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := parseAnswer(data)
		var oracle map[string]json.RawMessage
		valid := json.Unmarshal(data, &oracle) == nil && oracle != nil
		if err != nil {
			if valid && len(oracle) == names(t, data) {
				t.Fatal("an object with every name once was refused")
			}
			return
		}
		if !valid || len(oracle) != len(members) {
			t.Fatal("something was read that is no object, or has a name twice")
		}
		for _, m := range members {
			if !bytes.Equal(oracle[m.name], m.value) {
				t.Fatal("a member has another value")
			}
		}
		e := Endpoint{IDToken: Drop, RefreshToken: Drop}
		out := (&endpoint{Endpoint: e}).rewrite(members, half, time.Hour)
		var said map[string]json.RawMessage
		if err := json.Unmarshal(out, &said); err != nil {
			t.Fatal("what was written is no JSON")
		}
		if _, had := oracle["access_token"]; had && string(said["access_token"]) != `"`+half+`"` {
			t.Fatal("the access token was not replaced")
		}
		if _, kept := said["id_token"]; kept {
			t.Fatal("a token was kept that should be dropped")
		}
		if strings.Count(string(out), whole) > strings.Count(string(data), whole) {
			t.Fatal("a token appeared")
		}
	})
}

// names counts the members of an object at its top.
func names(t *testing.T, data []byte) int {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	count, depth, isName := 0, 0, false
	for {
		token, err := d.Token()
		if err != nil {
			return count
		}
		delim, _ := token.(json.Delim)
		if depth == 1 {
			if delim != '}' {
				if isName = !isName; isName {
					count++
				}
			}
		}
		switch delim {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
}

// The form that counts is the one that net/url reads, with every name once; the
// bytes that go to the provider are those that came.
func FuzzForm(f *testing.F) {
	for _, text := range []string{
		"", grant, grant + "&grant_type=x", grant + "&grant%5Ftype=x", "a=1;b=2", "a=%zz", "a", "a=&a=", "=&b=1", "a+b=c+d", "a=%00", "a=1&b=2&&c=3",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got, err := readForm(httptest.NewRecorder(), r)
		oracle, bad := url.ParseQuery(text)
		once := true
		for _, all := range oracle {
			once = once && len(all) == 1
		}
		if good := bad == nil && once && len(text) <= maxForm && !strings.Contains(text, ";"); good != (err == nil) {
			t.Fatalf("read: %v", err)
		}
		if err != nil {
			return
		}
		if got.raw != text || len(got.values) != len(oracle) {
			t.Fatal("another form was read")
		}
		for name := range oracle {
			if got.values[name] != oracle.Get(name) {
				t.Fatal("another value was read")
			}
		}
	})
}
