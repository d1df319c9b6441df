package envoy

import (
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tollgate-authz/tollgate/authz"
)

// respond is the only constructor of answers. Two facts of Envoy's decide their
// shape: a response without status is an allow, and an append action that is left
// out means different things to different versions. So every answer has a status
// and every header its action. Allows with edits that may not leave are errors:
// the caller answers with a denial.
func respond(answer *authz.Answer, r *request) (msg any, dropped int, err error) {
	s, dropped, err := sift(answer, r)
	switch {
	case err != nil:
		return nil, 0, err
	case r.generated == nil:
		return s.encode(), dropped, nil
	case s.allow:
		return allowed(&s), dropped, nil
	}
	return denied(&s), 0, nil
}

// allowed answers status 0 with the sifted edits.
func allowed(s *sifted) *authv3.CheckResponse {
	ok := &authv3.OkHttpResponse{ResponseHeadersToAdd: clientHeaders(s)}
	for _, e := range s.edits {
		if e.Remove {
			ok.HeadersToRemove = append(ok.HeadersToRemove, e.Name)
			continue
		}
		ok.Headers = append(ok.Headers, optionOf(authz.Header{Name: e.Name, Value: e.Value}))
	}
	return &authv3.CheckResponse{
		Status:          &rpcstatus.Status{Code: s.code},
		HttpResponse:    &authv3.CheckResponse_OkResponse{OkResponse: ok},
		DynamicMetadata: metadata(s.answer),
	}
}

// denied answers a status that is not 0 and an explicit HTTP status.
func denied(s *sifted) *authv3.CheckResponse {
	return &authv3.CheckResponse{
		Status: &rpcstatus.Status{Code: s.code},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(s.status)},
			Headers: clientHeaders(s),
			Body:    s.body,
		}},
		DynamicMetadata: metadata(s.answer),
	}
}

// clientHeaders gives headers for the client.
func clientHeaders(s *sifted) []*corev3.HeaderValueOption {
	var out []*corev3.HeaderValueOption
	for h := range s.headers {
		out = append(out, optionOf(h))
	}
	return out
}

func optionOf(h authz.Header) *corev3.HeaderValueOption {
	action := corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	if h.Append {
		action = corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD
	}
	return &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: h.Name, Value: h.Value}, AppendAction: action}
}

// metadata gives the flat strings for later filters and access logs. It is never
// empty: Envoy measures the duration of a check only where something is there.
func metadata(answer *authz.Answer) *structpb.Struct {
	fields := map[string]*structpb.Value{}
	for name, value := range facts(answer) {
		fields[name] = structpb.NewStringValue(value)
	}
	return &structpb.Struct{Fields: fields}
}

// knownStatus says whether Envoy's API has an HTTP status.
func knownStatus(status int) bool {
	_, ok := typev3.StatusCode_name[int32(status)]
	return ok
}

// reply is a CheckResponse that was received.
type reply struct{ msg authv3.CheckResponse }

// newReply gives an empty reply to decode a message into.
func newReply() *reply { return &reply{} }

// message is what the codec decodes into.
func (r *reply) message() any { return &r.msg }

// verdict reads the reply as Envoy does: code 0, which is also that of a missing
// status, is an allow.
func (r *reply) verdict() *Verdict {
	v := &Verdict{Code: r.msg.GetStatus().GetCode(), Metadata: map[string]string{}}
	for name, value := range r.msg.GetDynamicMetadata().GetFields() {
		v.Metadata[name] = value.GetStringValue()
	}
	if v.Code == 0 {
		ok := r.msg.GetOkResponse()
		v.Allowed, v.Remove = true, ok.GetHeadersToRemove()
		for _, o := range ok.GetHeaders() {
			v.Set = append(v.Set, Field{o.GetHeader().GetKey(), o.GetHeader().GetValue()})
		}
		v.Headers = received(ok.GetResponseHeadersToAdd())
		return v
	}
	refusal := r.msg.GetDeniedResponse()
	v.Status = int(refusal.GetStatus().GetCode())
	if v.Status == 0 {
		v.Status = int(typev3.StatusCode_Forbidden)
	}
	v.Headers, v.Body = received(refusal.GetHeaders()), refusal.GetBody()
	return v
}

// received gives header options as the headers that they are.
func received(options []*corev3.HeaderValueOption) []authz.Header {
	headers := make([]authz.Header, 0, len(options))
	for _, o := range options {
		headers = append(headers, authz.Header{
			Name: o.GetHeader().GetKey(), Value: o.GetHeader().GetValue(),
			Append: o.GetAppendAction() == corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD,
		})
	}
	return headers
}
