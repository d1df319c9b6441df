package envoy

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/authz"
)

// viewOf opens a view on a message, as the codec reads it. The generated message
// must say the same.
func viewOf(tb failer, msg *authv3.CheckRequest) *request {
	tb.Helper()
	data, err := proto.Marshal(msg)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := decoded(data)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := diffViews(generatedView(msg), r); diff != "" {
		tb.Fatalf("the codec (+) reads another request than the generated message (-):\n%s", diff)
	}
	return r
}

// decoded reads a message by the codec.
func decoded(data []byte) (*request, error) {
	r := newRequest()
	if err := newSchema().decode(string(data), r); err != nil {
		return nil, err
	}
	r.open()
	return r, nil
}

// generatedView opens a view on a generated message.
func generatedView(msg *authv3.CheckRequest) *request {
	r := newGenerated()
	r.read(msg)
	r.open()
	return r
}

// diffViews compares what two views answer to every question that can be asked.
func diffViews(want, got *request) string {
	a, b := contents(want), contents(got)
	if reflect.DeepEqual(a, b) {
		return "" // cmp is slow, and fuzzing asks often
	}
	return cmp.Diff(a, b)
}

// contents asks a view everything: the line, every name, every line of each.
func contents(r *request) map[string]any {
	headers := map[string][]string{}
	for name := range r.Names {
		headers[name] = nil
	}
	names := slices.Collect(maps.Keys(headers))
	for _, name := range append(names, "", ":path", ":method", "authorization", "cookie", "content-type", "x-missing") {
		for nth := 0; ; nth++ {
			value, ok := r.Header(name, nth)
			if !ok {
				break
			}
			headers[name] = append(headers[name], value)
		}
	}
	return map[string]any{"line": r.Line(), "headers": headers, "grpc": r.wantsGRPC()}
}

// failer is what tests and properties have in common.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func withHTTP(http *authv3.AttributeContext_HttpRequest) *authv3.CheckRequest {
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: http},
	}}
}

func TestLine(t *testing.T) {
	tests := map[string]struct {
		msg  *authv3.CheckRequest
		want authz.Line
	}{
		"empty message":   {&authv3.CheckRequest{}, authz.Line{Malformed: true}},
		"empty request":   {&authv3.CheckRequest{Attributes: &authv3.AttributeContext{}}, authz.Line{Malformed: true}},
		"no http request": {withHTTP(nil), authz.Line{Malformed: true}},
		"fields": {
			withHTTP(&authv3.AttributeContext_HttpRequest{Method: "GET", Scheme: "https", Host: "a.example:443", Path: "//x?y#z"}),
			authz.Line{Method: "GET", Scheme: "https", Host: "a.example:443", Target: "//x?y#z"},
		},
		"header_map is exact where the fields are copies": {
			withHTTP(&authv3.AttributeContext_HttpRequest{
				Method: "G!T", Scheme: "https", Host: "h!", Path: "/a!",
				HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
					{Key: ":path", RawValue: []byte("/a\xff")},
					{Key: ":method", RawValue: []byte("G\xc3T")},
					{Key: ":authority", RawValue: []byte("h\xfe")},
					{Key: ":scheme", Value: "http"},
				}},
			}),
			authz.Line{Method: "G\xc3T", Scheme: "http", Host: "h\xfe", Target: "/a\xff"},
		},
		"two paths": {
			withHTTP(&authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/a", HeaderMap: &corev3.HeaderMap{
				Headers: []*corev3.HeaderValue{{Key: ":path", Value: "/a"}, {Key: ":path", Value: "/b"}},
			}}),
			authz.Line{Method: "GET", Target: "/b", Malformed: true},
		},
		"value and raw_value that differ": {
			withHTTP(&authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/a", HeaderMap: &corev3.HeaderMap{
				Headers: []*corev3.HeaderValue{{Key: "x", Value: "1", RawValue: []byte("2")}},
			}}),
			authz.Line{Method: "GET", Target: "/a", Malformed: true},
		},
		"both forms at once": {
			withHTTP(&authv3.AttributeContext_HttpRequest{
				Method: "GET", Path: "/a", Headers: map[string]string{"x": "1"},
				HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "x", Value: "1"}}},
			}),
			authz.Line{Method: "GET", Target: "/a", Malformed: true},
		},
		"context": {
			&authv3.CheckRequest{Attributes: &authv3.AttributeContext{
				Source: &authv3.AttributeContext_Peer{
					Principal: "spiffe://example/front",
					Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
						SocketAddress: &corev3.SocketAddress{Address: "192.0.2.7"},
					}},
				},
				Request:           &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/"}},
				ContextExtensions: map[string]string{"api_id": "", "require_scopes": "a b", "else": "ignored"},
			}},
			authz.Line{
				Method: "GET", Target: "/", HasAPI: true, RequireScopes: "a b",
				Principal: "spiffe://example/front", SourceAddress: "192.0.2.7",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, viewOf(t, test.msg).Line()); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	forms := map[string]*authv3.AttributeContext_HttpRequest{
		"headers": {Headers: map[string]string{
			":path": "/", "authorization": "Bearer a", "x-empty": "", "x-joined": "1,2",
		}},
		"headers in upper case": {Headers: map[string]string{
			":Path": "/", "Authorization": "Bearer a", "X-Empty": "", "x-joined": "1,2",
		}},
		"header_map": {HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
			{Key: ":path", RawValue: []byte("/")},
			{Key: "Authorization", RawValue: []byte("Bearer a")},
			{Key: "x-empty"},
			{Key: "x-joined", Value: "1,2"},
		}}},
	}
	for name, http := range forms {
		t.Run(name, func(t *testing.T) {
			r := viewOf(t, withHTTP(http))
			for _, test := range []struct {
				name  string
				nth   int
				value string
				ok    bool
			}{
				{"authorization", 0, "Bearer a", true},
				{"authorization", 1, "", false},
				{"x-empty", 0, "", true},
				{"x-joined", 0, "1,2", true},
				{"x-joined", 1, "", false},
				{"x-none", 0, "", false},
				{":path", 0, "", false},
				{"", 0, "", false},
				{"authorization", -1, "", false},
			} {
				if value, ok := r.Header(test.name, test.nth); ok != test.ok || ok && value != test.value {
					t.Errorf("Header(%q, %d) = %q, %v", test.name, test.nth, value, ok)
				}
			}
			names := slices.Sorted(r.Names)
			if diff := cmp.Diff([]string{"authorization", "x-empty", "x-joined"}, names); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepeatedHeaders(t *testing.T) {
	twice := []*corev3.HeaderValue{{Key: "X-A", Value: "1"}, {Key: "x-b", Value: "2"}, {Key: "x-a", RawValue: []byte("3")}}
	r := viewOf(t, withHTTP(&authv3.AttributeContext_HttpRequest{HeaderMap: &corev3.HeaderMap{Headers: twice}}))
	if v, ok := r.Header("x-a", 1); v != "3" || !ok {
		t.Errorf("second x-a = %q, %v", v, ok)
	}
	// Two spellings of one name in a map are two lines, in a fixed order.
	r = viewOf(t, withHTTP(&authv3.AttributeContext_HttpRequest{Headers: map[string]string{"x-a": "low", "X-A": "up", "X-a": "mid"}}))
	for i, want := range []string{"up", "mid", "low"} {
		if v, ok := r.Header("x-a", i); v != want || !ok {
			t.Errorf("x-a %d = %q, %v, want %q", i, v, ok, want)
		}
	}
}

func TestNamesStops(t *testing.T) {
	for _, http := range []*authv3.AttributeContext_HttpRequest{
		{Headers: map[string]string{"a": "", "b": ""}},
		{HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: "a"}, {Key: "b"}}}},
	} {
		n := 0
		viewOf(t, withHTTP(http)).Names(func(string) bool { n++; return false })
		if n != 1 {
			t.Errorf("yield was called %d times after it returned false", n)
		}
	}
}

func TestFoldingIsASCII(t *testing.T) {
	const kelvin = "\u212a" // folds to k in Unicode
	r := viewOf(t, withHTTP(&authv3.AttributeContext_HttpRequest{HeaderMap: &corev3.HeaderMap{
		Headers: []*corev3.HeaderValue{{Key: "x-" + kelvin, Value: "1"}},
	}}))
	if _, ok := r.Header("x-k", 0); ok {
		t.Error("a name outside ASCII was taken for one inside")
	}
	if got := slices.Collect(r.Names); len(got) != 1 || got[0] != "x-"+kelvin {
		t.Errorf("names = %q", got)
	}
}

func TestWantsGRPC(t *testing.T) {
	for kind, want := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "application/grpc+json": true,
		"application/grpc-web": false, "application/grpc;x=1": false, "APPLICATION/GRPC": false, "application/json": false, "": false,
	} {
		r := viewOf(t, withHTTP(&authv3.AttributeContext_HttpRequest{Headers: map[string]string{"content-type": kind}}))
		if got := r.wantsGRPC(); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
}

// TestFormsAgree: whatever a client sends, the view of both forms says the same
// as long as it is text and no name repeats.
func TestFormsAgree(t *testing.T) {
	name := rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_-]{0,12}`)
	value := rapid.StringMatching(`[ -~é]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		h := &HTTP{
			Method: rapid.SampledFrom([]string{"GET", "POST", "QUERY", "get"}).Draw(t, "method"),
			Scheme: "https", Host: value.Draw(t, "host"), Target: "/" + value.Draw(t, "target"),
		}
		seen := map[string]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "headers") {
			f := Field{name.Draw(t, "name"), value.Draw(t, "value")}
			if key := strings.ToLower(f.Name); !seen[key] {
				seen[key] = true
				h.Headers = append(h.Headers, f)
			}
		}
		joined := viewOf(t, describe(h).(*authv3.CheckRequest))
		h.Raw = true
		raw := viewOf(t, describe(h).(*authv3.CheckRequest))
		if joined.Line() != raw.Line() {
			t.Fatalf("lines differ: %+v, %+v", joined.Line(), raw.Line())
		}
		if !slices.Equal(slices.Sorted(joined.Names), slices.Sorted(raw.Names)) {
			t.Fatal("names differ")
		}
		for key := range seen {
			a, okA := joined.Header(key, 0)
			b, okB := raw.Header(key, 0)
			if a != b || okA != okB {
				t.Fatalf("%s: %q, %q", key, a, b)
			}
		}
	})
}

// TestDescribe: the client builds what Envoy was seen to send.
func TestDescribe(t *testing.T) {
	h := &HTTP{
		Method: "GET", Scheme: "http", Host: "a.example", Target: "/x\xff",
		Headers: []Field{
			{"Authorization", "Bearer a"},
			{"Cookie", "a=1"},
			{"authorization", "Bearer b"},
			{"cookie", "b=2"},
			{"x-bytes", "\xfe\u00e9"},
		},
	}
	http := describe(h).(*authv3.CheckRequest).GetAttributes().GetRequest().GetHttp()
	want := map[string]string{
		":method": "GET", ":scheme": "http", ":authority": "a.example", ":path": "/x!",
		"authorization": "Bearer a,Bearer b", "cookie": "a=1,b=2", "x-bytes": "!\u00e9",
	}
	if diff := cmp.Diff(want, http.GetHeaders()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if http.GetPath() != "/x!" {
		t.Errorf("path = %q", http.GetPath())
	}
	h.Raw = true
	http = describe(h).(*authv3.CheckRequest).GetAttributes().GetRequest().GetHttp()
	var lines []string
	for _, line := range http.GetHeaderMap().GetHeaders() {
		lines = append(lines, line.GetKey()+"="+string(line.GetRawValue()))
	}
	wantLines := []string{
		":authority=a.example", ":path=/x\xff", ":method=GET", ":scheme=http",
		"authorization=Bearer a,Bearer b", "cookie=a=1", "cookie=b=2", "x-bytes=\xfe\u00e9",
	}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("header_map (-want +got):\n%s", diff)
	}
	if len(http.GetHeaders()) != 0 {
		t.Error("both forms were filled")
	}
	if connect := describe(&HTTP{Method: "CONNECT", Host: "a:1"}).(*authv3.CheckRequest); connect.GetAttributes().GetRequest().GetHttp().GetHeaders()[":path"] != "" {
		t.Error("CONNECT has a path")
	}
}
