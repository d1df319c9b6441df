package public

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What is no good form never reaches the provider.
func TestForms(t *testing.T) {
	tests := map[string]struct {
		c      call
		status int
		code   string
	}{
		"1 MB":                   {call{form: grant + "&x=" + strings.Repeat("a", 1<<20)}, 413, "invalid_request"},
		"just too long":          {call{form: grant + "&x=" + strings.Repeat("a", maxForm-len(grant)-2)}, 413, "invalid_request"},
		"two grants":             {call{form: grant + "&grant_type=authorization_code"}, 400, "invalid_request"},
		"the same grant twice":   {call{form: grant + "&grant_type=client_credentials"}, 400, "invalid_request"},
		"twice by an escape":     {call{form: grant + "&grant%5Ftype=client_credentials"}, 400, "invalid_request"},
		"two clients":            {call{form: grant + "&client_id=other"}, 400, "invalid_request"},
		"no grant":               {call{form: "client_id=shop"}, 400, "unsupported_grant_type"},
		"another grant":          {call{form: "grant_type=password&username=a&password=b"}, 400, "unsupported_grant_type"},
		"a grant in capitals":    {call{form: "grant_type=Client_Credentials"}, 400, "unsupported_grant_type"},
		"a grant in the query":   {call{path: "/token?grant_type=client_credentials", form: "client_id=shop"}, 400, "invalid_request"},
		"semicolons":             {call{form: "grant_type=client_credentials;client_id=shop"}, 400, "invalid_request"},
		"a broken escape":        {call{form: grant + "&x=%zz"}, 400, "invalid_request"},
		"two Authorizations":     {call{form: grant, headers: []string{"Authorization", "Basic YTpi", "Authorization", "Basic Yzpk"}}, 400, "invalid_request"},
		"JSON":                   {call{form: `{"grant_type":"client_credentials"}`}, 400, "unsupported_grant_type"},
		"nothing":                {call{}, 400, "unsupported_grant_type"},
		"unknown path":           {call{path: "/token/", form: grant}, 404, "invalid_request"},
		"a path with dots":       {call{path: "/x/../token", form: grant}, 404, "invalid_request"},
		"metadata is not posted": {call{path: wellKnown, form: grant}, 404, "invalid_request"},
	}
	for name, tt := range tests {
		r := newRig(t, nil)
		got := r.post(t, tt.c)
		if text := body(t, got); got.StatusCode != tt.status || !strings.Contains(text, `"error":"`+tt.code+`"`) {
			t.Errorf("%s: %d %s; expected %d %s", name, got.StatusCode, text, tt.status, tt.code)
		}
		if r.asked.Load() != 0 {
			t.Errorf("%s: it reached the provider", name)
		}
	}
	r := newRig(t, nil)
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", strings.NewReader(`{"grant_type":"client_credentials"}`))
	req.Header.Set("Content-Type", "application/json")
	if r.handler.ServeHTTP(w, req); w.Code != 400 || r.asked.Load() != 0 {
		t.Errorf("a form of another type: %d", w.Code)
	}
	w = httptest.NewRecorder()
	req = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/token?"+grant, nil)
	if r.handler.ServeHTTP(w, req); w.Code != 405 || w.Header().Get("Allow") != "POST" || r.asked.Load() != 0 {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestAdmissionOfTokenRequests(t *testing.T) {
	r := newRig(t, func(s *Spec) { s.Endpoints[0].Requests, s.TrustedHops = 3, 1 })
	status := func(client, address string) int {
		t.Helper()
		// What is before the last entry is what the client made up.
		got := r.post(t, call{
			form: "grant_type=client_credentials&client_id=" + client, from: "10.0.0.1:1",
			headers: []string{"X-Forwarded-For", "1.2.3." + strconv.Itoa(int(r.asked.Load()%256)) + ", " + address},
		})
		if got.StatusCode == 429 && (got.Header.Get("Retry-After") == "" || got.Header.Get("Retry-After") == "0") {
			t.Error("no Retry-After")
		}
		return got.StatusCode
	}
	for range 3 {
		if got := status("shop", "192.0.2.1"); got != 200 {
			t.Fatalf("within the limit: %d", got)
		}
	}
	if got := status("shop", "192.0.2.1"); got != 429 {
		t.Errorf("over the limit: %d", got)
	}
	if got := status("sho%70", "192.0.2.1"); got != 429 {
		t.Errorf("the same client in another spelling: %d", got)
	}
	if a, b := status("other", "192.0.2.1"), status("shop", "192.0.2.2"); a != 200 || b != 200 {
		t.Errorf("another client %d, another address %d", a, b)
	}
	admitted := 0
	for i := range 100 { // one address with ever new names
		if status("invented-"+strconv.Itoa(i), "192.0.2.3") == 200 {
			admitted++
		}
	}
	if admitted != 3*inAll {
		t.Errorf("one address was admitted %d times, expected %d", admitted, 3*inAll)
	}
	for i := range 100 { // one network of IPv6
		status("invented-"+strconv.Itoa(i), "2001:db8::"+strconv.FormatInt(int64(i+1), 16))
	}
	if got := status("new", "2001:db8::ffff"); got != 429 {
		t.Errorf("a network of IPv6 over the limit: %d", got)
	}
	r.now.Add(int64(time.Minute))
	if got := status("shop", "192.0.2.1"); got != 200 {
		t.Errorf("a minute later: %d", got)
	}
}

// A caller of its own choice of X-Forwarded-For is still the caller.
func TestRemote(t *testing.T) {
	tests := []struct {
		hops int
		list []string
		want string
	}{
		{0, []string{"192.0.2.9"}, "10.0.0.1"},
		{1, nil, "10.0.0.1"},
		{1, []string{"192.0.2.9"}, "192.0.2.9"},
		{1, []string{"192.0.2.8, 192.0.2.9"}, "192.0.2.9"},
		{1, []string{"192.0.2.8", "192.0.2.9"}, "192.0.2.9"},
		{2, []string{"192.0.2.7, 192.0.2.8, 192.0.2.9"}, "192.0.2.8"},
		{3, []string{"192.0.2.8, 192.0.2.9"}, "10.0.0.1"},
		{1, []string{"192.0.2.8, nonsense"}, "10.0.0.1"},
		{1, []string{"::ffff:192.0.2.9"}, "192.0.2.9"},
	}
	for _, tt := range tests {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/token", nil)
		r.RemoteAddr = "10.0.0.1:1234"
		r.Header["X-Forwarded-For"] = tt.list
		if got := remote(r, tt.hops); got != tt.want {
			t.Errorf("%d hops, %v: %s; expected %s", tt.hops, tt.list, got, tt.want)
		}
	}
}

func TestAdmissionIsBounded(t *testing.T) {
	a := newAdmission(30, time.Minute, noon)
	for i := range 3 * mostAdmitted {
		a.take("c", strconv.Itoa(i))
	}
	if n := len(a.seen); n > mostAdmitted+2 {
		t.Errorf("%d windows are remembered", n)
	}
}
