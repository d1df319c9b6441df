package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// everything is one API that has all paths, so that whatever is not checked would
// reach its upstream.
const everything = `
version: 1
listen: {check: "127.0.0.1:0", public: "127.0.0.1:0"}
store: "memory:"
limits: {trusted_hops: 1}
apis:
  - id: orders
    match: [{host: "*", path: /}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [all]}
    split: allowed
policies:
  - {id: all, access: {orders: {allow: all}}}
token_endpoints:
  - {path: /token, upstream: "http://127.0.0.1:1/token", api: orders, rate: {requests: 3, per: 1h}}
`

// newPublicWorld is a world whose Envoy leads clients without a token to tollgate.
func newPublicWorld(t *testing.T, shape envoyconfig.Shape) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.key = newKey(t, w.dir)
	w.gate = startGate(t, w.write(t, "tollgate.yaml", everything))
	public := ""
	for line := range strings.Lines(w.gate.Output()) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening public "); ok {
			public = at
		}
	}
	text, err := envoyconfig.Render(shape, &envoyconfig.Params{
		Listen: envoyconfig.Address{Host: "127.0.0.1"}, Admin: envoyconfig.Address{Host: "127.0.0.1"},
		Upstream: address(t, w.upstream.address), Gates: []envoyconfig.Address{address(t, w.gate.address)}, Log: w.log(),
		Public: &envoyconfig.Public{Gates: []envoyconfig.Address{address(t, public)}, Paths: []string{"/token", "/revoke"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.startFrontAs(t, patient(t, string(text)))
	return w
}

// byPublic says whether the public listener answered.
func byPublic(r *reply) bool {
	return strings.HasPrefix(r.header.Get("content-security-policy"), "default-src 'none'")
}

// TestPublicPathsLeadNowhereElse: what is not checked is answered by tollgate, in
// whatever spelling it comes; nothing of it reaches the upstream.
func TestPublicPathsLeadNowhereElse(t *testing.T) {
	tests := []struct {
		line   string
		public bool // it must be the public listener that answers
	}{
		{"POST /token", true},
		{"GET /token", true},
		{"POST /token?x=/orders", true},
		{"POST /revoke", true},
		{"GET /token/", false},
		{"GET /token/orders", false},
		{"GET /tokens", false},
		{"GET /TOKEN", false},
		{"GET /token;x=1", false},
		{"GET /token%2f..%2forders", false},
		{"GET /introspect", false},
		{"GET /.well-known/oauth-protected-resource", false},
		{"GET /orders", false},
		// Any answer will do, as long as nobody is let through.
		{"GET //token", false},
		{"GET /token/../orders", false},
		{"GET /orders/../token", false},
		{"GET /%74oken", false},
		{"GET /token%00", false},
		{"GET /token#/orders", false},
		{"GET http://api.example.com/token", false},
		{"OPTIONS *", false},
		{"PRI /token", false},
	}
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			w := newPublicWorld(t, shape)
			for _, test := range tests {
				got := send(t, w.address, test.line, "content-length: 0")
				if got.status < 300 || test.public && !byPublic(got) {
					t.Errorf("%s: status %d, %v", test.line, got.status, got.header)
				}
				w.upstream.none(t)
			}
			if got := send(t, w.address, "GET /tokens", w.bearer(t, "alice")); got.status != 200 {
				t.Errorf("with a token: status %d %s", got.status, got.reason())
			}
			w.upstream.one(t)
		})
	}
}

// TestTokenRequestsAreCountedByAddress: behind Envoy a client is counted by its own
// address, whatever it writes into x-forwarded-for.
func TestTokenRequestsAreCountedByAddress(t *testing.T) {
	w := newPublicWorld(t, envoyconfig.Edge)
	const form = "grant_type=client_credentials&client_id=shop"
	statuses := map[int]int{}
	for _, from := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3, 192.0.2.4", "192.0.2.5"} {
		got := postFrom(t, w.address, "/token", form, "x-forwarded-for: "+from)
		if !byPublic(got) {
			t.Fatalf("status %d, not of the public listener", got.status)
		}
		statuses[got.status]++
	}
	if statuses[502] != 3 || statuses[429] != 1 {
		t.Errorf("statuses %v, expected three of an unreachable provider and one 429", statuses)
	}
	w.upstream.none(t)
}

// postFrom posts a form with one more header line.
func postFrom(t *testing.T, address, path, form, header string) *reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+path, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	name, value, _ := strings.Cut(header, ": ")
	req.Header.Set(name, value)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &reply{status: answer.StatusCode, header: answer.Header, body: string(body)}
}
