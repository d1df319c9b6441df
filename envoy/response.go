package envoy

import (
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/tollgate-authz/tollgate/authz"
)

// respond is the only constructor of a CheckResponse. Two facts of Envoy's
// decide its shape: a response without status is an allow, and an append action
// that is left out means different things to different versions. So every answer
// has a status and every header its action. Allows with edits that may not leave
// are errors: the caller answers with a denial.
func respond(answer *authz.Answer, r *request) (msg any, dropped int, err error) {
	switch answer.Outcome {
	case authz.Allow, authz.Observed:
		edits, dropped, err := siftEdits(answer.Edits, r.line.Target)
		if err != nil {
			return nil, 0, err
		}
		return allowed(answer, edits), dropped, nil
	case authz.Deny:
	}
	return denied(answer, r.wantsGRPC()), 0, nil
}

// allowReply holds the fixed parts of an allow, to be allocated at once.
type allowReply struct {
	response authv3.CheckResponse
	http     authv3.CheckResponse_OkResponse
	ok       authv3.OkHttpResponse
	status   rpcstatus.Status
}

// allowed answers status 0 with the sifted edits.
func allowed(answer *authz.Answer, edits []authz.Edit) *authv3.CheckResponse {
	reply := &allowReply{}
	removals := 0
	for _, e := range edits {
		if e.Remove {
			removals++
		}
	}
	set := newOptions(len(edits) - removals)
	if removals > 0 {
		reply.ok.HeadersToRemove = make([]string, 0, removals)
	}
	for _, e := range edits {
		if e.Remove {
			reply.ok.HeadersToRemove = append(reply.ok.HeadersToRemove, e.Name)
			continue
		}
		set.add(e.Name, e.Value, false)
	}
	reply.ok.Headers = set.list
	reply.ok.ResponseHeadersToAdd = clientHeaders(answer.Headers, 0)
	reply.http.OkResponse = &reply.ok
	reply.response.Status = &reply.status // code 0: OK
	reply.response.HttpResponse = &reply.http
	reply.response.DynamicMetadata = metadata(answer)
	return &reply.response
}

// denied answers a status that is not 0 and an explicit HTTP status.
func denied(answer *authz.Answer, grpc bool) *authv3.CheckResponse {
	code := siftStatus(answer.Status)
	show := 0
	if grpc {
		show = answer.GRPC
	}
	return &authv3.CheckResponse{
		Status: &rpcstatus.Status{Code: rpcCode(code)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(code)},
			Headers: clientHeaders(answer.Headers, show),
			Body:    siftBody(answer.Body, code),
		}},
		DynamicMetadata: metadata(answer),
	}
}

// clientHeaders gives headers for the client. grpcStatus is added when not 0:
// Envoy shows it to a gRPC client in place of its own mapping, and would show it
// to every other client too.
func clientHeaders(headers []authz.Header, grpcStatus int) []*corev3.HeaderValueOption {
	n := 0
	for _, h := range headers {
		if sendable(h) {
			n++
		}
	}
	if grpcStatus > 0 {
		n++
	}
	out := newOptions(n)
	for _, h := range headers {
		if sendable(h) {
			out.add(h.Name, h.Value, h.Append)
		}
	}
	if grpcStatus > 0 {
		out.add("grpc-status", strconv.Itoa(grpcStatus), false)
	}
	return out.list
}

// options builds header options out of two blocks of memory.
type options struct {
	list    []*corev3.HeaderValueOption
	entries []corev3.HeaderValueOption
	values  []corev3.HeaderValue
}

func newOptions(n int) options {
	if n == 0 {
		return options{}
	}
	return options{
		list:    make([]*corev3.HeaderValueOption, 0, n),
		entries: make([]corev3.HeaderValueOption, n),
		values:  make([]corev3.HeaderValue, n),
	}
}

func (o *options) add(name, value string, several bool) {
	i := len(o.list)
	v, e := &o.values[i], &o.entries[i]
	v.Key, v.Value = name, value
	e.Header = v
	e.AppendAction = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	if several {
		e.AppendAction = corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD
	}
	o.list = append(o.list, e)
}

// metadata gives the flat strings for later filters and access logs, in the order
// of their names. It is never empty: Envoy measures the duration of a check only
// where something is there. The fields are written as the bytes that they have on
// the wire (a map of texts, google/protobuf/struct.proto): as a Go map they would
// cost as much as the decision, and come in another order each time.
func metadata(answer *authz.Answer) *structpb.Struct {
	m := &answer.Metadata
	wire := make([]byte, 0, 512)
	for _, f := range [...]struct{ name, value string }{
		{"api", m.API},
		{"config", m.Config},
		{"decision", answer.ID},
		{"degraded", m.Degraded},
		{"limit", m.Limit},
		{"outcome", answer.Outcome.String()},
		{"policies", m.Policies},
		{"reason", m.Reason},
		{"remaining", m.Remaining},
		{"session", m.Session},
		{"subject", m.Subject},
	} {
		if f.value != "" {
			wire = appendField(wire, f.name, clip(f.value))
		}
	}
	out := &structpb.Struct{}
	out.ProtoReflect().SetUnknown(wire)
	return out
}

// appendField writes one entry of Struct.fields: the name is field 1 of the
// entry, the value field 2, and of that a text field 3. Both are short: clip and
// the names above see to it.
func appendField(wire []byte, name, text string) []byte {
	value := protowire.SizeTag(3) + protowire.SizeBytes(len(text))
	entry := protowire.SizeTag(1) + protowire.SizeBytes(len(name)) + protowire.SizeTag(2) + protowire.SizeBytes(value)
	wire = protowire.AppendTag(wire, 1, protowire.BytesType)
	wire = protowire.AppendVarint(wire, uint64(entry))
	wire = protowire.AppendTag(wire, 1, protowire.BytesType)
	wire = protowire.AppendString(wire, name)
	wire = protowire.AppendTag(wire, 2, protowire.BytesType)
	wire = protowire.AppendVarint(wire, uint64(value))
	wire = protowire.AppendTag(wire, 3, protowire.BytesType)
	return protowire.AppendString(wire, text)
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
