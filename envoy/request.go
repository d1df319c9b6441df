package envoy

import (
	"slices"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
)

// newGenerated gives an empty view that is read from a generated message and
// answered by one. Any gRPC server can decode into it; it is also what the codec
// of ours is held against.
func newGenerated() *request { return &request{generated: &authv3.CheckRequest{}} }

// message is what a call is decoded into.
func (r *request) message() any {
	if r.generated != nil {
		return r.generated
	}
	return r
}

// unmarshal reads bytes that are too odd for the codec.
func (r *request) unmarshal(data []byte) error {
	msg := &authv3.CheckRequest{}
	if err := proto.Unmarshal(data, msg); err != nil {
		return err
	}
	r.read(msg)
	return nil
}

// read takes over what the view wants of a generated message, if that is where
// the call was decoded into.
func (r *request) read(from any) {
	msg, ok := from.(*authv3.CheckRequest)
	if !ok {
		return
	}
	attributes := msg.GetAttributes()
	source, http := attributes.GetSource(), attributes.GetRequest().GetHttp()
	r.http = http != nil
	r.line.Method, r.line.Scheme, r.line.Host, r.line.Target = http.GetMethod(), http.GetScheme(), http.GetHost(), http.GetPath()
	r.line.Principal = source.GetPrincipal()
	r.line.SourceAddress = source.GetAddress().GetSocketAddress().GetAddress()
	for key, value := range attributes.GetContextExtensions() {
		r.extensions = append(r.extensions, pair{key: key, value: value})
	}
	for key, value := range http.GetHeaders() {
		r.joined = append(r.roomFor(r.joined), pair{key: key, value: value})
	}
	for _, h := range http.GetHeaderMap().GetHeaders() {
		r.lines = append(r.roomFor(r.lines), pair{key: h.GetKey(), value: h.GetValue(), raw: string(h.GetRawValue())})
	}
}

// describe builds the CheckRequest that Envoy sends for a request.
func describe(h *HTTP) any {
	http := &authv3.AttributeContext_HttpRequest{
		Method:   printable(h.Method),
		Scheme:   printable(h.Scheme),
		Host:     printable(h.Host),
		Path:     printable(h.Target),
		Protocol: "HTTP/1.1",
	}
	lines := []Field{{":authority", h.Host}, {":path", h.Target}, {":method", h.Method}, {":scheme", h.Scheme}}
	lines = slices.DeleteFunc(lines, func(f Field) bool { return f.Value == "" })
	for _, f := range h.Headers {
		lines = append(lines, Field{lower(f.Name), f.Value})
	}
	if h.Raw {
		http.HeaderMap = rawHeaders(lines)
	} else {
		http.Headers = joinedHeaders(lines)
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{
			Principal: h.Principal,
			Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
				SocketAddress: &corev3.SocketAddress{Address: h.Source},
			}},
		},
		Request:           &authv3.AttributeContext_Request{Http: http},
		ContextExtensions: h.Extensions,
	}}
}

// joinedHeaders is the default form: one entry a name, repeated lines joined by
// a comma, bytes that are no UTF-8 replaced.
func joinedHeaders(lines []Field) map[string]string {
	headers := make(map[string]string, len(lines))
	for _, f := range lines {
		if earlier, ok := headers[f.Name]; ok {
			headers[f.Name] = earlier + "," + printable(f.Value)
			continue
		}
		headers[f.Name] = printable(f.Value)
	}
	return headers
}

// rawHeaders is the form of encode_raw_headers. Envoy has joined the lines of
// Authorization by then, and of no other header.
func rawHeaders(lines []Field) *corev3.HeaderMap {
	headers := &corev3.HeaderMap{}
	var authorization *corev3.HeaderValue
	for _, f := range lines {
		if f.Name == "authorization" && authorization != nil {
			authorization.RawValue = append(append(authorization.RawValue, ','), f.Value...)
			continue
		}
		h := &corev3.HeaderValue{Key: f.Name, RawValue: []byte(f.Value)}
		if f.Name == "authorization" {
			authorization = h
		}
		headers.Headers = append(headers.Headers, h)
	}
	return headers
}

// printable replaces every byte that is no UTF-8, as Envoy does in what it copies
// into text fields.
func printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		if _, size := utf8.DecodeRuneInString(s); size > 1 || s[0] < utf8.RuneSelf {
			out = append(out, s[:size]...)
			s = s[size:]
			continue
		}
		out = append(out, '!')
		s = s[1:]
	}
	return string(out)
}
