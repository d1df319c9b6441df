package envoy

import (
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/google/go-cmp/cmp"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tollgate-authz/tollgate/authz"
)

func deniedStatus() *rpcstatus.Status { return &rpcstatus.Status{Code: 7} }

// answerTo builds the message for an answer to a request with a content type.
func answerTo(t *testing.T, answer authz.Answer, contentType string) *authv3.CheckResponse {
	t.Helper()
	r := viewOf(t, withHTTP(&authv3.AttributeContext_HttpRequest{
		Method: "GET", Path: "/a?token=x", Headers: map[string]string{"content-type": contentType},
	}))
	msg, _, err := respond(&answer, r)
	if err != nil {
		t.Fatal(err)
	}
	return sameAnswer(t, &answer, r, msg)
}

// sameAnswer gives an answer as a front receives it. The generated message for the
// same answer must be received alike.
func sameAnswer(tb failer, answer *authz.Answer, r *request, msg any) *authv3.CheckResponse {
	tb.Helper()
	other := *r
	other.generated = &authv3.CheckRequest{}
	want, _, err := respond(answer, &other)
	if err != nil {
		tb.Fatal(err)
	}
	got := overWire(tb, msg)
	if want := overWire(tb, want); !proto.Equal(want, got) {
		tb.Fatalf("the codec (+) writes another answer than the generated message (-):\n%s", cmp.Diff(want, got, protocmp.Transform()))
	}
	return got
}

// overWire gives an answer as a front receives it.
func overWire(tb failer, msg any) *authv3.CheckResponse {
	tb.Helper()
	data, ok := msg.(encoded)
	if !ok {
		var err error
		if data, err = proto.Marshal(msg.(proto.Message)); err != nil {
			tb.Fatal(err)
		}
	}
	received := &authv3.CheckResponse{}
	if err := proto.Unmarshal(data, received); err != nil {
		tb.Fatal(err)
	}
	return received
}

func option(key, value string, action corev3.HeaderValueOption_HeaderAppendAction) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: key, Value: value}, AppendAction: action}
}

const (
	overwrite = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	several   = corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD
)

func TestRespond(t *testing.T) {
	text := func(pairs ...string) *structpb.Struct {
		s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
		for i := 0; i < len(pairs); i += 2 {
			s.Fields[pairs[i]] = structpb.NewStringValue(pairs[i+1])
		}
		return s
	}
	deny := func(code int32, status typev3.StatusCode, body string, headers ...*corev3.HeaderValueOption) *authv3.CheckResponse {
		return &authv3.CheckResponse{
			Status: &rpcstatus.Status{Code: code},
			HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
				Status: &typev3.HttpStatus{Code: status}, Headers: headers, Body: body,
			}},
			DynamicMetadata: text("outcome", "deny"),
		}
	}
	tests := map[string]struct {
		answer      authz.Answer
		contentType string
		want        *authv3.CheckResponse
	}{
		"allow": {
			answer: authz.Answer{
				Outcome: authz.Allow, ID: "d",
				Edits: []authz.Edit{
					{Name: "x-tollgate-subject", Value: "alice"},
					{Name: "authorization", Remove: true},
					{Name: ":path", Value: "/a"},
					{Name: "x-tollgate-tags", Remove: true},
				},
				Headers:  []authz.Header{{Name: "x-tollgate-decision", Value: "d"}, {Name: "set-cookie", Value: "a=1", Append: true}},
				Metadata: authz.Metadata{API: "orders", Subject: "alice", Session: "s", Policies: "a,b", Limit: "1", Remaining: "0", Degraded: "local_share", Config: "7"},
			},
			want: &authv3.CheckResponse{
				Status: &rpcstatus.Status{},
				HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
					Headers:              []*corev3.HeaderValueOption{option(":path", "/a", overwrite), option("x-tollgate-subject", "alice", overwrite)},
					HeadersToRemove:      []string{"authorization", "x-tollgate-tags"},
					ResponseHeadersToAdd: []*corev3.HeaderValueOption{option("x-tollgate-decision", "d", overwrite), option("set-cookie", "a=1", several)},
				}},
				DynamicMetadata: text("decision", "d", "outcome", "allow", "api", "orders", "subject", "alice", "session", "s",
					"policies", "a,b", "limit", "1", "remaining", "0", "degraded", "local_share", "config", "7"),
			},
		},
		"observed is an allow that says why not": {
			answer: authz.Answer{Outcome: authz.Observed, ID: "d", Metadata: authz.Metadata{Reason: "token_missing"}},
			want: &authv3.CheckResponse{
				Status:          &rpcstatus.Status{},
				HttpResponse:    &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{}},
				DynamicMetadata: text("decision", "d", "outcome", "observed", "reason", "token_missing"),
			},
		},
		"an answer that nobody filled": {want: deny(14, typev3.StatusCode_ServiceUnavailable, "")},
		"an outcome that does not exist": {
			answer: authz.Answer{Outcome: 77, Status: 403}, want: deny(7, typev3.StatusCode_Forbidden, ""),
		},
		"headers that cannot leave are left out": {
			answer: authz.Answer{Status: 401, Body: "b", Headers: []authz.Header{
				{Name: "www-authenticate", Value: `Bearer realm="a"`},
				{Name: "x-split", Value: "a\r\nset-cookie: x"},
				{Name: "content-length", Value: "1"},
				{Name: "grpc-status", Value: "0"},
				{Name: "Bad", Value: "v"},
				{Name: "x-empty"},
			}},
			want: deny(16, typev3.StatusCode_Unauthorized, "b", option("www-authenticate", `Bearer realm="a"`, overwrite)),
		},
		"grpc-status for gRPC": {
			answer: authz.Answer{Status: 429, GRPC: 8}, contentType: "application/grpc+proto",
			want: deny(8, typev3.StatusCode_TooManyRequests, "", option("grpc-status", "8", overwrite)),
		},
		"grpc-status for nobody else": {
			answer: authz.Answer{Status: 429, GRPC: 8}, contentType: "application/grpc-web",
			want: deny(8, typev3.StatusCode_TooManyRequests, ""),
		},
		"no status of Envoy's API": {answer: authz.Answer{Status: 418}, want: deny(14, typev3.StatusCode_ServiceUnavailable, "")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := answerTo(t, test.answer, test.contentType)
			if diff := cmp.Diff(test.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if err := got.ValidateAll(); err != nil {
				t.Errorf("Envoy's own rules: %v", err)
			}
		})
	}
}

// TestMetadataIsBounded: what a token says cannot swell the answer, nor break
// its encoding.
func TestMetadataIsBounded(t *testing.T) {
	got := answerTo(t, authz.Answer{Outcome: authz.Allow, Metadata: authz.Metadata{
		Subject: strings.Repeat("é", maxMeta), Session: "a\xffb",
	}}, "")
	fields := got.GetDynamicMetadata().GetFields()
	if n := len(fields["subject"].GetStringValue()); n != maxMeta {
		t.Errorf("subject has %d bytes", n)
	}
	if v := fields["session"].GetStringValue(); v != "ab" {
		t.Errorf("session = %q", v)
	}
}

// TestVerdict: the client reads an answer as Envoy does, also one that this
// service would never give.
func TestVerdict(t *testing.T) {
	read := func(msg *authv3.CheckResponse) *Verdict {
		r := newReply()
		r.msg.Status, r.msg.HttpResponse, r.msg.DynamicMetadata = msg.GetStatus(), msg.HttpResponse, msg.GetDynamicMetadata()
		return r.verdict()
	}
	if v := read(&authv3.CheckResponse{}); !v.Allowed {
		t.Error("an empty answer is an allow to Envoy")
	}
	if v := read(&authv3.CheckResponse{HttpResponse: &authv3.CheckResponse_DeniedResponse{}}); !v.Allowed {
		t.Error("a denial without status is an allow to Envoy")
	}
	if v := read(&authv3.CheckResponse{Status: deniedStatus()}); v.Allowed || v.Status != 403 {
		t.Errorf("a status alone is a 403 to Envoy, not %+v", v)
	}
	answer := authz.Answer{
		Outcome: authz.Allow, ID: "d", Edits: []authz.Edit{{Name: "x-a", Value: "1"}, {Name: "x-b", Remove: true}},
		Headers: []authz.Header{{Name: "x-c", Value: "2", Append: true}}, Metadata: authz.Metadata{API: "orders"},
	}
	want := &Verdict{
		Allowed: true, Set: []Field{{"x-a", "1"}}, Remove: []string{"x-b"},
		Headers: []authz.Header{{Name: "x-c", Value: "2", Append: true}}, Metadata: map[string]string{"decision": "d", "outcome": "allow", "api": "orders"},
	}
	if diff := cmp.Diff(want, read(answerTo(t, answer, ""))); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	refusal := authz.Answer{Status: 401, Body: "no", Headers: []authz.Header{{Name: "x-c", Value: "2"}}}
	want = &Verdict{
		Code: 16, Status: 401, Body: "no", Headers: []authz.Header{{Name: "x-c", Value: "2"}}, Metadata: map[string]string{"outcome": "deny"},
	}
	if diff := cmp.Diff(want, read(answerTo(t, refusal, ""))); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}
