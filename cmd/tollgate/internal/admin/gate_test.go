package admin

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc"

	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

func TestWhoMayCall(t *testing.T) {
	r := makeRig(t)
	r.call(t, "GET", "/v1/status", "", "").is(t, 401)
	r.call(t, "GET", "/v1/status", "no-token-of-anybody-that-is-known!", "").is(t, 401)
	r.call(t, "GET", "/v1/status", writer[:len(writer)-1], "").is(t, 401)
	r.call(t, "GET", "/v1/status", writer+"x", "").is(t, 401)
	r.call(t, "GET", "/v1/status", reader, "").is(t, 200)
	r.call(t, "GET", "/v1/status", writer, "").is(t, 200)
	r.call(t, "POST", "/v1/keys", reader, `{"key":{"id":"a","policies":["basic"]}}`).is(t, 403)
	r.call(t, "GET", "/v1/keys/a", writer, "").is(t, 404)
	r.call(t, "GET", "/v1/status", "", "", func(req *http.Request) {
		req.Header.Add("Authorization", "Bearer "+writer)
		req.Header.Add("Authorization", "Bearer "+writer)
	}).is(t, 401)
	r.call(t, "GET", "/v1/status", "", "", func(req *http.Request) { req.Header.Set("X-Tyk-Authorization", writer) }).is(t, 401)
	r.call(t, "GET", "/v1/openapi.json", "", "").is(t, 401)
}

func TestEveryCallIsAuditedWithoutSecrets(t *testing.T) {
	r := makeRig(t)
	r.call(t, "POST", "/v1/keys", writer, `{"key":{"id":"partner-7","policies":["basic"]},"secret":{"hmac":"a-secret-of-the-partner-of-32-bytes!"}}`).is(t, 200)
	r.call(t, "POST", "/v1/keys", reader, `{"key":{"id":"partner-8","policies":["basic"]}}`).is(t, 403)
	r.call(t, "GET", "/v1/status?token=in-the-query", "wrong-token-wrong-token-wrong-token", "").is(t, 401)
	log := r.log.String()
	for _, want := range []string{
		`"who":"ops","role":"write","method":"/tollgate.admin.v1.KeyService/CreateKey","about":"partner-7","result":"ok"`,
		`"who":"eyes","role":"read","method":"/tollgate.admin.v1.KeyService/CreateKey","about":"partner-8","result":"PermissionDenied"`,
		`"method":"GET /v1/status","about":"","result":"401"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for _, secret := range []string{writer, reader, "wrong-token", "a-secret-of", "in-the-query"} {
		if strings.Contains(log, secret) {
			t.Error("the log holds a secret")
		}
	}
}

func TestGuessingIsSlowedDown(t *testing.T) {
	r := makeRig(t)
	for range guesses {
		r.call(t, "GET", "/v1/status", "wrong-token-wrong-token-wrong-token", "").is(t, 401)
	}
	a := r.call(t, "GET", "/v1/status", writer, "").is(t, 429)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	elsewhere := func(req *http.Request) { req.RemoteAddr = "198.51.100.7:1" }
	r.call(t, "GET", "/v1/status", writer, "", elsewhere).is(t, 200)
	r.nanos.Add(int64(guessWindow))
	r.call(t, "GET", "/v1/status", writer, "").is(t, 200)
	th := &throttle{}
	for i := range mostGuesser * 3 {
		th.wrong(string(rune(i)), r.time())
	}
	if len(th.seen) > mostGuesser {
		t.Errorf("%d addresses are remembered", len(th.seen))
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	r := makeRig(t)
	header := func(name, value string) func(*http.Request) {
		return func(req *http.Request) { req.Header.Set(name, value) }
	}
	r.call(t, "POST", "/v1/reload", writer, "{}", header("Origin", "https://evil.example")).is(t, 403)
	r.call(t, "POST", "/v1/reload", writer, "{}", header("Sec-Fetch-Site", "cross-site")).is(t, 403)
	r.call(t, "POST", "/v1/keys", writer, "{}", header("Content-Type", "text/plain")).is(t, 415)
	r.call(t, "POST", "/v1/keys", writer, "key=1", header("Content-Type", "application/x-www-form-urlencoded")).is(t, 415)
	r.call(t, "GET", "/v1/status", writer, "", header("Origin", "http://example.com")).is(t, 200) // httptest's own host
}

func TestEveryMethodHasAPermission(t *testing.T) {
	known := permissions()
	count := 0
	for _, s := range []grpc.ServiceDesc{
		adminv1.KeyService_ServiceDesc, adminv1.UsageService_ServiceDesc, adminv1.TokenService_ServiceDesc,
		adminv1.StatusService_ServiceDesc, adminv1.DecisionService_ServiceDesc,
	} {
		for _, m := range s.Methods {
			count++
			if _, ok := known["/"+s.ServiceName+"/"+m.MethodName]; !ok {
				t.Errorf("%s/%s: who may call it?", s.ServiceName, m.MethodName)
			}
		}
		for _, m := range s.Streams {
			count++
			if _, ok := known["/"+s.ServiceName+"/"+m.StreamName]; !ok {
				t.Errorf("%s/%s: who may call it?", s.ServiceName, m.StreamName)
			}
		}
	}
	if count != len(known) {
		t.Errorf("%d methods, %d permissions", count, len(known))
	}
}

func TestUnknownMethodIsRefused(t *testing.T) {
	r := makeRig(t)
	delete(r.allowed, adminv1.StatusService_GetStatus_FullMethodName)
	r.call(t, "GET", "/v1/status", writer, "").is(t, 403)
	r.call(t, "GET", "/v1/nothing", writer, "").is(t, 404)
	r.call(t, "GET", "/", writer, "").is(t, 404)
}

func TestClientCertificates(t *testing.T) {
	r := makeRig(t)
	auth, err := NewAuth(nil, []Peer{{SAN: "spiffe://example/ops", Role: Write}, {SAN: "eyes.example", Role: Read}})
	if err != nil {
		t.Fatal(err)
	}
	r.SetAuth(auth)
	with := func(verified bool, uri, name string) func(*http.Request) {
		return func(req *http.Request) {
			leaf := &x509.Certificate{}
			if uri != "" {
				u, err := url.Parse(uri)
				if err != nil {
					t.Fatal(err)
				}
				leaf.URIs = []*url.URL{u}
			}
			if name != "" {
				leaf.DNSNames = []string{name}
			}
			req.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
			if verified {
				req.TLS.VerifiedChains = [][]*x509.Certificate{{leaf}}
			}
		}
	}
	create := `{"key":{"id":"a","policies":["basic"]}}`
	r.call(t, "POST", "/v1/keys", "", create, with(true, "spiffe://example/ops", "")).is(t, 200)
	r.call(t, "GET", "/v1/status", "", "", with(true, "", "eyes.example")).is(t, 200)
	r.call(t, "POST", "/v1/keys", "", create, with(true, "", "eyes.example")).is(t, 403)
	r.call(t, "GET", "/v1/status", "", "", with(false, "spiffe://example/ops", "")).is(t, 401)
	r.call(t, "GET", "/v1/status", "", "", with(true, "spiffe://example/ops/x", "")).is(t, 401)
	r.call(t, "GET", "/v1/status", "", "", with(true, "", "spiffe://example/ops")).is(t, 200) // a DNS name that is configured
	r.call(t, "GET", "/v1/status", writer, "").is(t, 401)                                     // that token is gone
}

// A form of another site's page carries a client certificate, but no header.
func TestFormsNeedAHeader(t *testing.T) {
	r := makeRig(t)
	auth, err := NewAuth([]Token{{Name: "ops", Secret: []byte(writer), Role: Write}}, []Peer{{SAN: "ops.example", Role: Write}})
	if err != nil {
		t.Fatal(err)
	}
	r.SetAuth(auth)
	certificate := func(req *http.Request) {
		leaf := &x509.Certificate{DNSNames: []string{"ops.example"}}
		req.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf}}}
	}
	form := func(req *http.Request) { req.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	body := `{"apply_policies":["basic"],"jwt_data":{"secret":"` + theirSecret + `"}}`
	r.call(t, "POST", "/tyk/keys/a", "", body, certificate, form).is(t, 415)
	r.call(t, "POST", "/tyk/keys/a", "", body, certificate, func(req *http.Request) { req.Header.Del("Content-Type") }).is(t, 415)
	r.call(t, "POST", "/tyk/keys/a", "", body, certificate).is(t, 200)
	r.call(t, "POST", "/tyk/keys/b", writer, body, form).is(t, 200)
	r.call(t, "POST", "/tyk/keys/c", "", body, form, func(req *http.Request) { req.Header.Set("X-Tyk-Authorization", writer) }).is(t, 200)
}

// Names of callers, and conditions, may be any text.
func TestCallersWithAnyName(t *testing.T) {
	for _, name := range []string{"Jörg", "ops team", " ops ", "a\nb", "\xff"} {
		r := makeRig(t)
		auth, err := NewAuth([]Token{{Name: name, Secret: []byte(writer), Role: Write}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetAuth(auth)
		r.call(t, "GET", "/v1/status", writer, "").is(t, 200)
		who, err := json.Marshal(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(r.log.String(), `"who":`+string(who)) {
			t.Errorf("%q: %s", name, r.log)
		}
	}
	r := makeRig(t)
	r.call(t, "POST", "/v1/keys", writer, `{"key":{"id":"a","policies":["basic"]}}`).is(t, 200)
	r.call(t, "DELETE", "/v1/keys/a", writer, "", func(req *http.Request) { req.Header.Set("If-Match", "\"\xc3\x80\"") }).is(t, 412)
}

// What nobody has vouched for fills no log.
func TestAuditLinesAreShort(t *testing.T) {
	r := makeRig(t)
	r.call(t, "GET", "/v1/"+strings.Repeat("x", 12<<10), "", "").is(t, 401)
	r.call(t, strings.Repeat("X", 12<<10), "/v1/status", "", "").is(t, 401)
	if n := r.log.Len(); n > 1<<10 {
		t.Errorf("two lines have %d bytes", n)
	}
}

func TestAuthRefuses(t *testing.T) {
	for name, tokens := range map[string][]Token{
		"short":    {{Name: "a", Secret: []byte("short"), Role: Read}},
		"no role":  {{Name: "a", Secret: []byte(writer)}},
		"no name":  {{Secret: []byte(writer), Role: Read}},
		"two same": {{Name: "a", Secret: []byte(writer), Role: Read}, {Name: "a", Secret: []byte(reader), Role: Read}},
	} {
		if _, err := NewAuth(tokens, nil); err == nil {
			t.Errorf("%s was taken", name)
		} else if strings.Contains(err.Error(), writer) || strings.Contains(err.Error(), "short:") && strings.Contains(err.Error(), "\"short\"") {
			t.Errorf("%s: the error shows the token", name)
		}
	}
	if _, err := NewAuth(nil, []Peer{{SAN: "", Role: Read}}); err == nil {
		t.Error("a peer without a name was taken")
	}
}

func TestBodiesAreBounded(t *testing.T) {
	r := makeRig(t)
	big := `{"key":{"id":"a","alias":"` + strings.Repeat("x", 10<<20) + `"}}`
	if a := r.call(t, "POST", "/v1/keys", writer, big); a.status != 400 && a.status != 413 {
		t.Errorf("10 MB: status %d", a.status)
	}
}
