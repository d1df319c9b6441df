package envoy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/authz"
)

// identity are the headers that an allowed request carries by default.
var identity = []string{
	"x-tollgate-api", "x-tollgate-issuer", "x-tollgate-policies", "x-tollgate-scopes",
	"x-tollgate-session", "x-tollgate-subject", "x-tollgate-tags",
}

// questions are requests of every outcome, under names.
func questions(t *testing.T) map[string]*HTTP {
	t.Helper()
	hostile := func(h *HTTP) *HTTP {
		for _, name := range append(identity, "X-Tollgate-Evil", "x_tollgate_subject", "x-user", "x-plan", "X_User") {
			h.Headers = append(h.Headers, Field{name, "admin"})
		}
		return h
	}
	return map[string]*HTTP{
		"allow":        on("/orders/7", bearer(t, nil)),
		"hostile":      hostile(on("/orders/7", bearer(t, nil))),
		"inject":       hostile(on("/inject/7", bearer(t, claims{"plan": "pro"}))),
		"no value":     hostile(on("/inject/7", bearer(t, nil))),
		"line break":   hostile(on("/inject/7", bearer(t, claims{"plan": "pro\r\nx-admin: 1"}))),
		"long claim":   hostile(on("/inject/7", bearer(t, claims{"plan": strings.Repeat("p", 9000)}))),
		"Zoë":          hostile(on("/inject/7", bearer(t, claims{"plan": "Zoë"}))),
		"strip header": hostile(on("/strip/7", bearer(t, nil))),
		"strip cookie": hostile(on("/strip/7", Field{"cookie", "a=1; session=" + token(t, nil)})),
		"strip query":  hostile(on("/strip/7?a=1&token=" + token(t, nil) + "&b=%2f")),
		"public":       hostile(on("/public/open")),
		"observed":     hostile(on("/watched/7")),
		"preflight":    hostile(&HTTP{Method: "OPTIONS", Host: "api.example.com", Target: "/cors", Headers: []Field{{"origin", "https://a.example"}, {"access-control-request-method", "PUT"}}}),
		"no token":     hostile(on("/orders/7")),
		"expired":      on("/orders/7", bearer(t, claims{"exp": noon().Unix() - 1})),
		"forged":       on("/orders/7", Field{"authorization", bearer(t, nil).Value + "AA"}),
		"method":       {Method: "PUT", Host: "api.example.com", Target: "/orders/7", Headers: []Field{bearer(t, nil)}},
		"scopes":       {Method: "GET", Host: "api.example.com", Target: "/orders/7", Headers: []Field{bearer(t, nil)}, Extensions: map[string]string{"require_scopes": "admin"}},
		"malformed":    on("//orders/7", bearer(t, nil)),
		"no API":       on("/none"),
		"gRPC":         on("/orders/7", Field{"content-type", "application/grpc"}),
		"no policy":    on("/lost/7", bearer(t, nil)),
	}
}

// answers asks every question in both forms and gives the answers as they came.
func answers(t *testing.T, r *rig) map[string]*authv3.CheckResponse {
	t.Helper()
	out := map[string]*authv3.CheckResponse{}
	for name, h := range questions(t) {
		for _, raw := range []bool{false, true} {
			asked := *h
			asked.Raw = raw
			out[fmt.Sprintf("%s, raw %v", name, raw)] = r.raw(t, describe(&asked).(*authv3.CheckRequest))
		}
	}
	return out
}

// TestShapeOfAnswers (rows 23, 24, 26, 28, 31, 33): every answer has a status,
// every header its action and a value, and no name is both set and removed.
func TestShapeOfAnswers(t *testing.T) {
	allows, denials := 0, 0
	for name, answer := range answers(t, gate(t)) {
		if err := answer.ValidateAll(); err != nil {
			t.Errorf("%s: Envoy's own rules: %v", name, err)
		}
		switch ok := answer.GetOkResponse(); {
		case answer.GetStatus() == nil:
			t.Errorf("%s: no status", name)
		case answer.GetStatus().GetCode() == 0:
			allows++
			if ok == nil {
				t.Errorf("%s: an allow without ok_response", name)
			}
			checkOK(t, name, ok)
		default:
			denials++
			status := answer.GetDeniedResponse().GetStatus().GetCode()
			if answer.GetDeniedResponse() == nil || status < 400 || status > 599 {
				t.Errorf("%s: a denial with status %d", name, status)
			}
			for _, o := range answer.GetDeniedResponse().GetHeaders() {
				checkOption(t, name, o, true)
			}
		}
	}
	if allows < 20 || denials < 16 {
		t.Errorf("%d allows and %d denials prove little", allows, denials)
	}
}

func checkOK(t *testing.T, name string, ok *authv3.OkHttpResponse) {
	t.Helper()
	seen := map[string]bool{}
	for _, o := range ok.GetHeaders() {
		checkOption(t, name, o, false)
		if seen[o.GetHeader().GetKey()] {
			t.Errorf("%s: %s is set twice", name, o.GetHeader().GetKey())
		}
		seen[o.GetHeader().GetKey()] = true
		if o.GetHeader().GetKey() == ":path" && !strings.HasPrefix(name, "strip query") {
			t.Errorf("%s: the target is overwritten", name)
		}
	}
	for _, removed := range ok.GetHeadersToRemove() {
		if seen[removed] {
			t.Errorf("%s: %s is set and removed", name, removed)
		}
		if !validName(removed) || reservedName(removed) {
			t.Errorf("%s: %q is removed", name, removed)
		}
	}
	for _, o := range ok.GetResponseHeadersToAdd() {
		checkOption(t, name, o, true)
	}
	if len(ok.GetQueryParametersToRemove()) != 0 || len(ok.GetQueryParametersToSet()) != 0 {
		t.Errorf("%s: mutates the query in Envoy's way, which rewrites all of it", name)
	}
}

// checkOption wants an explicit action, no deprecated append, and a valid name
// and value. Only lists towards the client may append.
func checkOption(t *testing.T, name string, o *corev3.HeaderValueOption, client bool) {
	t.Helper()
	key, value := o.GetHeader().GetKey(), o.GetHeader().GetValue()
	if o.GetAppend() != nil || //nolint:staticcheck // it must stay unset
		o.GetKeepEmptyValue() || len(o.GetHeader().GetRawValue()) != 0 {
		t.Errorf("%s: %s has append, keep_empty_value or raw_value", name, key)
	}
	if o.GetAppendAction() != overwrite && !client {
		t.Errorf("%s: %s has action %v", name, key, o.GetAppendAction())
	}
	if value == "" {
		t.Errorf("%s: %s is empty", name, key)
	}
	if key == ":path" && !client {
		if !validTarget(value) {
			t.Errorf("%s: overwrites the target by what is none", name)
		}
		return
	}
	if !validName(key) || reservedName(key) {
		t.Errorf("%s: sets %q", name, key)
	}
	if !validValue(value) {
		t.Errorf("%s: %s has a value that is no text", name, key)
	}
}

// TestHostileHeaders (rows 25, 27): whatever a client sends under our names, no
// Envoy hands it on: injected names have our one value, the others are gone.
func TestHostileHeaders(t *testing.T) {
	r := gate(t)
	managed := slices.Concat(identity, []string{
		"x-user", "x-plan", "x-expires", "x-tollgate-evil", "x-tollgate", "x-tollgatex", "x-tollgate-" + strings.Repeat("e", 300),
	})
	rapid.Check(t, func(rt *rapid.T) {
		h := *rapid.SampledFrom([]*HTTP{
			on("/orders/7", bearer(t, nil)), on("/inject/7", bearer(t, claims{"plan": "pro"})), on("/public/open"),
			on("/watched/7", bearer(t, nil)), on("/watched/7"), on("/strip/7", bearer(t, nil)),
		}).Draw(rt, "request")
		h.Headers = slices.Clone(h.Headers)
		h.Raw = rapid.Bool().Draw(rt, "raw")
		for range rapid.IntRange(1, 8).Draw(rt, "headers") {
			name := rapid.SampledFrom(managed).Draw(rt, "name")
			if rapid.Bool().Draw(rt, "twin") {
				name = strings.ReplaceAll(name, "-", rapid.SampledFrom([]string{"_", "-", ".", "~"}).Draw(rt, "for -"))
			}
			if rapid.Bool().Draw(rt, "upper") {
				name = strings.ToUpper(name)
			}
			h.Headers = append(h.Headers, Field{name, "forged"})
		}
		answer := r.raw(t, describe(&h).(*authv3.CheckRequest))
		for _, p := range profiles {
			u := p.apply(&h, answer)
			if u == nil {
				rt.Fatalf("%s was denied", shown(&h))
			}
			for _, f := range u.headers {
				name := strings.NewReplacer("_", "-", ".", "-", "~", "-").Replace(f.Name)
				ours := strings.HasPrefix(name, "x-tollgate-") || slices.Contains([]string{"x-user", "x-plan", "x-expires"}, name)
				if ours && strings.Contains(f.Value, "forged") {
					rt.Fatalf("Envoy %v: %s of the client's reaches the upstream", p, f.Name)
				}
				if ours && len(u.values(f.Name)) != 1 {
					rt.Fatalf("Envoy %v: %s reaches the upstream %d times", p, f.Name, len(u.values(f.Name)))
				}
			}
		}
	})
}

// TestValues (rows 28, 30): what cannot stand in a header is a removal; text
// beyond ASCII stands as UTF-8; a header that does not fit the budget is left
// out.
func TestValues(t *testing.T) {
	r := gate(t)
	long := strings.Repeat("p", 9<<10)
	for name, test := range map[string]struct {
		claim any
		want  string
	}{
		"text": {"pro", "pro"}, "number": {1.50, "1.5"}, "boolean": {true, "true"}, "list": {[]string{"a", "b"}, "a,b"},
		"beyond ASCII": {"Zoë", "Zoë"}, "blank inside": {"a b", "a b"},
		"absent": {nil, ""}, "empty": {"", ""}, "line break": {"a\r\nx-admin: 1", ""}, "NUL": {"a\x00", ""}, "DEL": {"a\x7f", ""},
		"tab": {"a\tb", ""}, "C1": {"a\u0085b", ""}, "object": {map[string]any{"a": 1}, ""}, "too long": {long, ""},
	} {
		with := claims{}
		if test.claim != nil {
			with["plan"] = test.claim
		}
		v := r.ask(t, on("/inject/7", bearer(t, with), Field{"x-plan", "forged"}))
		if got := v.set("x-plan"); !v.Allowed || got != test.want {
			t.Errorf("%s: allowed %v, %d bytes", name, v.Allowed, len(got))
		}
		if gone := slices.Contains(v.Remove, "x-plan"); gone != (test.want == "") {
			t.Errorf("%s: removed %v", name, gone)
		}
		if v.set("x-user") != "alice" {
			t.Errorf("%s: the other headers suffer", name)
		}
	}
	for name, answer := range answers(t, r) {
		total := 0
		for _, o := range answer.GetOkResponse().GetHeaders() {
			if key := o.GetHeader().GetKey(); key != ":path" && key != "cookie" {
				total += len(key) + len(o.GetHeader().GetValue())
			}
		}
		if total > 8<<10 {
			t.Errorf("%s adds %d bytes", name, total)
		}
	}
}

// TestHeaderNames (row 29): a configuration that injects what belongs to HTTP or
// to Envoy is refused.
func TestHeaderNames(t *testing.T) {
	e := engine(t, spec())
	for _, name := range []string{
		"host", "Content-Length", "transfer-encoding", "connection", "te", "upgrade", "x-envoy-retry-on",
		":path", ":authority", "", "a b", "a:b", "é", "a\r\nb",
	} {
		s := spec()
		s.APIs[0].InjectSet, s.APIs[0].Inject = true, []authz.InjectSpec{{Header: name, Template: "$subject"}}
		if snapshot, _ := e.Compile(t.Context(), s); snapshot != nil {
			t.Errorf("%q can be injected", name)
		}
	}
}

// TestStrip (row 32): the credential goes, and nothing else changes.
func TestStrip(t *testing.T) {
	r := gate(t)
	good := token(t, nil)
	for name, test := range map[string]struct {
		target  string
		headers []Field
		want    string // the target upstream
		cookies []string
		gone    string
	}{
		"Authorization": {"/strip/7?b=1", []Field{{"Authorization", "Bearer " + good}, {"x-a", "1"}}, "/strip/7?b=1", nil, "authorization"},
		"named header":  {"/named/7", []Field{{"x-token", good}, {"authorization", "Basic YTpi"}}, "/named/7", nil, "x-token"},
		"cookie":        {"/strip/7", []Field{{"cookie", `a=1; session=` + good + `; b="x,y"; c`}}, "/strip/7", []string{`a=1; b="x,y"; c`}, ""},
		"only cookie":   {"/strip/7", []Field{{"cookie", "session=" + good}}, "/strip/7", nil, "cookie"},
		"query":         {"/strip/7?z=%2f&token=" + good + "&&b=2;c&a=+&b=1&d", nil, "/strip/7?z=%2f&&b=2;c&a=+&b=1&d", nil, ""},
		"only query":    {"/strip/7?token=" + good, nil, "/strip/7", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := on(test.target, test.headers...)
			h.Raw = true
			answer := r.raw(t, describe(h).(*authv3.CheckRequest))
			for _, p := range profiles {
				u := p.apply(h, answer)
				if u == nil {
					t.Fatal("denied")
				}
				if u.target != test.want {
					t.Errorf("Envoy %v: the target differs", p)
				}
				if got := u.values("cookie"); test.cookies != nil && !slices.Equal(got, test.cookies) {
					t.Errorf("Envoy %v: the cookies differ", p)
				}
				if test.gone != "" && len(u.values(test.gone)) != 0 {
					t.Errorf("Envoy %v: %s reaches the upstream", p, test.gone)
				}
				for _, f := range u.headers {
					if strings.Contains(f.Value, good) {
						t.Errorf("Envoy %v: %s shows the token", p, f.Name)
					}
				}
				for _, f := range test.headers { // all others as they were
					if f.Name = lower(f.Name); f.Name != test.gone && f.Name != "cookie" && !slices.Equal(u.values(f.Name), []string{f.Value}) {
						t.Errorf("Envoy %v: %s has changed", p, f.Name)
					}
				}
			}
		})
	}
}

// TestNoQueryEditWithoutQueryToken (row 33).
func TestNoQueryEditWithoutQueryToken(t *testing.T) {
	r := gate(t)
	for _, h := range []*HTTP{
		on("/strip/7?a=1&b=2", bearer(t, nil)),
		on("/strip/7?token=", bearer(t, nil)),
		on("/strip/7?tok%65n=x", bearer(t, nil)),
		on("/strip/7?a=1", Field{"cookie", "session=" + token(t, nil)}),
		on("/places/7?token=" + token(t, nil)),
	} {
		if v := r.both(t, h); !v.Allowed || v.set(":path") != "" {
			t.Errorf("%s: allowed %v, target overwritten %v", shown(h), v.Allowed, v.set(":path") != "")
		}
	}
}

// TestDynamicMetadata (row 34): at the answer, never in ok_response; flat texts,
// bounded, without secrets.
func TestDynamicMetadata(t *testing.T) {
	keys := []string{"decision", "outcome", "reason", "api", "subject", "session", "policies", "limit", "remaining", "degraded", "config"}
	for name, answer := range answers(t, gate(t)) {
		fields := answer.GetDynamicMetadata().GetFields()
		if fields["decision"].GetStringValue() == "" || fields["outcome"].GetStringValue() == "" {
			t.Errorf("%s: %v", name, fields)
		}
		if proto.Size(answer.GetOkResponse().GetDynamicMetadata()) != 0 { //nolint:staticcheck // it must stay unset
			t.Errorf("%s: metadata in ok_response, which replaces all other", name)
		}
		for key, value := range fields {
			text := value.GetStringValue()
			if !slices.Contains(keys, key) || text == "" || len(text) > maxMeta || !isText(text, false) {
				t.Errorf("%s: %s has %d bytes", name, key, len(text))
			}
		}
		all, err := protojson.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(all), canary) || strings.Contains(string(all), "eyJ") {
			t.Errorf("%s: a token or a secret is in the answer", name)
		}
	}
}

// TestDenials (rows 35, 36): challenges, codes, types and bodies.
func TestDenials(t *testing.T) {
	r := gate(t)
	asked := questions(t)
	for name, test := range map[string]struct {
		status          int
		code, challenge string
	}{
		"no token":  {401, "token_missing", `Bearer realm="tollgate"`},
		"expired":   {401, "token_expired", `error="invalid_token"`},
		"forged":    {401, "token_invalid", `error="invalid_token"`},
		"scopes":    {403, "scope_insufficient", `error="insufficient_scope", scope="admin"`},
		"method":    {403, "access_refused", ""},
		"malformed": {400, "request_malformed", ""},
		"no API":    {404, "api_unknown", ""},
		"no policy": {403, "policy_missing", ""},
	} {
		v := r.ask(t, asked[name])
		var body struct{ Error, Code, Decision string }
		if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if v.Status != test.status || body.Code != test.code || body.Error == "" || len(v.Body) > 4<<10 {
			t.Errorf("%s: %d %+v", name, v.Status, body)
		}
		if v.header("x-tollgate-reason") != test.code || v.header("x-tollgate-decision") != body.Decision || body.Decision == "" {
			t.Errorf("%s: headers %v", name, v.Headers)
		}
		if v.header("content-type") != "application/json" || !strings.Contains(v.header("www-authenticate"), test.challenge) {
			t.Errorf("%s: headers %v", name, v.Headers)
		}
	}
	if challenge := r.ask(t, asked["no token"]).header("www-authenticate"); strings.Contains(challenge, "error=") {
		t.Errorf("a client that sent no token gets %q", challenge)
	}
	v := r.ask(t, asked["gRPC"])
	if v.Body != "Authorization field missing" || v.header("grpc-status") != "" || v.header("content-type") != "" {
		t.Errorf("gRPC: %+v", v)
	}
}

// TestLimitedDenial (row 35) is what a limit answers; the engine's limits have
// tests of their own.
func TestLimitedDenial(t *testing.T) {
	limited := authz.Answer{
		Reason: authz.RateLimited, Status: 429, GRPC: 8, ID: "d",
		Headers: []authz.Header{{Name: "retry-after", Value: "2"}, {Name: "x-ratelimit-limit", Value: "100"}},
	}
	r := serve(t, deciderFunc(func(_ context.Context, _ authz.Request) authz.Answer { return limited }))
	v := r.ask(t, get())
	if v.Status != 429 || v.Code != 8 || v.header("retry-after") != "2" || v.header("x-ratelimit-limit") != "100" || v.header("grpc-status") != "" {
		t.Errorf("HTTP: %+v", v)
	}
	v = r.ask(t, get(Field{"content-type", "application/grpc+proto"}))
	if v.header("grpc-status") != "8" || v.header("retry-after") != "2" {
		t.Errorf("gRPC: %+v", v)
	}
}

// TestOwnHeadersAreNoCredential (row 41): what we injected into one request opens
// no other.
func TestOwnHeadersAreNoCredential(t *testing.T) {
	r := gate(t)
	first := on("/strip/7", bearer(t, nil))
	first.Raw = true
	u := newest.apply(first, r.raw(t, describe(first).(*authv3.CheckRequest)))
	if u == nil || len(u.values("x-tollgate-subject")) != 1 {
		t.Fatal("nothing was injected")
	}
	v := r.expect(t, on("/strip/7", u.headers...), "token_missing")
	if v.Status != 401 {
		t.Errorf("status = %d", v.Status)
	}
}

// TestAnswersAreStable (row 42): the same question gets the same bytes, but for
// the decision's id.
func TestAnswersAreStable(t *testing.T) {
	r := gate(t)
	plain := func() map[string]string {
		out := map[string]string{}
		for name, answer := range answers(t, r) {
			id := answer.GetDynamicMetadata().GetFields()["decision"].GetStringValue()
			data, err := proto.MarshalOptions{Deterministic: true}.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			out[name] = strings.ReplaceAll(string(data), id, strings.Repeat("i", len(id)))
			if keys := keysOf(answer.GetOkResponse().GetHeaders()); !slices.IsSorted(keys) || !slices.IsSorted(answer.GetOkResponse().GetHeadersToRemove()) {
				t.Errorf("%s: the headers are in no order", name)
			}
		}
		return out
	}
	first, compared := plain(), 0
	for range 5 {
		for name, again := range plain() {
			if len(first[name]) != len(again) {
				continue // an id with one more digit
			}
			if compared++; first[name] != again {
				t.Errorf("%s: another answer", name)
			}
		}
	}
	if compared < len(first) {
		t.Errorf("only %d answers were compared", compared)
	}
}

func keysOf(options []*corev3.HeaderValueOption) []string {
	var keys []string
	for _, o := range options {
		keys = append(keys, o.GetHeader().GetKey())
	}
	return keys
}

// TestCookieOfNoText: a cookie header with bytes that no answer can carry cannot
// be rewritten, so the request is refused rather than handed on with the token.
func TestCookieOfNoText(t *testing.T) {
	r := gate(t)
	h := on("/strip/7", Field{"cookie", "a=\xff; session=" + token(t, nil)})
	h.Raw = true
	v := r.ask(t, h)
	if v.Allowed || v.Status != 400 || v.header("x-tollgate-reason") != "request_malformed" || v.Metadata["decision"] == "" {
		t.Errorf("verdict = %+v", v)
	}
	if c := r.authz.Counts(); c.Invalid != 0 {
		t.Errorf("counts = %+v", c)
	}
}
