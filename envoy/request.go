package envoy

import (
	"slices"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/tollgate-authz/tollgate/authz"
)

// The keys of context_extensions that mean something here (contract section 4);
// all others are ignored.
const (
	extensionAPI    = "api_id"
	extensionScopes = "require_scopes"
)

// request is the view of one CheckRequest. Envoy fills either headers (a map
// with repeated lines joined by a comma) or, with encode_raw_headers,
// header_map (every line apart, exact bytes); the view reads both.
type request struct {
	msg   authv3.CheckRequest
	line  authz.Line
	lines []*corev3.HeaderValue // header_map form
	byKey map[string]string     // headers form
}

var _ authz.Request = (*request)(nil)

// newRequest gives an empty view to decode a message into.
func newRequest() *request { return &request{} }

// message is what the codec decodes into.
func (r *request) message() any { return &r.msg }

// open reads the decoded message; the view answers questions after it.
func (r *request) open() {
	attributes := r.msg.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	if http == nil {
		r.line.Malformed = true
		return
	}
	source, extensions := attributes.GetSource(), attributes.GetContextExtensions()
	r.line = authz.Line{
		Method:        http.GetMethod(),
		Scheme:        http.GetScheme(),
		Host:          http.GetHost(),
		Target:        http.GetPath(),
		RequireScopes: extensions[extensionScopes],
		Principal:     source.GetPrincipal(),
		SourceAddress: source.GetAddress().GetSocketAddress().GetAddress(),
	}
	r.line.API, r.line.HasAPI = extensions[extensionAPI]
	r.openHeaders(http)
}

// openHeaders chooses the form of the headers. A message that fills both says
// two things at once: it is refused.
func (r *request) openHeaders(http *authv3.AttributeContext_HttpRequest) {
	r.lines, r.byKey = http.GetHeaderMap().GetHeaders(), http.GetHeaders()
	if len(r.lines) > 0 && len(r.byKey) > 0 {
		r.line.Malformed = true
		return
	}
	if hasUpper(r.byKey) {
		r.lines, r.byKey = spread(r.byKey), nil
	}
	r.openPseudo()
}

// openPseudo takes the request line from header_map where it stands there: the
// fields of the message are copies in which bytes that are no UTF-8 became "!".
func (r *request) openPseudo() {
	var method, authority, scheme, path int
	for _, h := range r.lines {
		if h.GetValue() != "" && len(h.GetRawValue()) > 0 && h.GetValue() != string(h.GetRawValue()) {
			r.line.Malformed = true // the API says: only one of the two
		}
		switch h.GetKey() {
		case ":method":
			r.line.Method = text(h)
			method++
		case ":authority":
			r.line.Host = text(h)
			authority++
		case ":scheme":
			r.line.Scheme = text(h)
			scheme++
		case ":path":
			r.line.Target = text(h)
			path++
		}
	}
	if max(method, authority, scheme, path) > 1 {
		r.line.Malformed = true
	}
}

// Line gives the request line.
func (r *request) Line() authz.Line { return r.line }

// Header gives the nth line of a header.
func (r *request) Header(name string, nth int) (string, bool) {
	if name == "" || name[0] == ':' || nth < 0 {
		return "", false
	}
	if len(r.byKey) > 0 {
		value, ok := r.byKey[name]
		return value, ok && nth == 0
	}
	for _, h := range r.lines {
		if len(h.GetKey()) != len(name) || !strings.EqualFold(h.GetKey(), name) {
			continue
		}
		if nth == 0 {
			return text(h), true
		}
		nth--
	}
	return "", false
}

// Names calls yield with the name of every header line.
func (r *request) Names(yield func(name string) bool) {
	for name := range r.byKey {
		if isHeader(name) && !yield(name) {
			return
		}
	}
	for _, h := range r.lines {
		if isHeader(h.GetKey()) && !yield(lower(h.GetKey())) {
			return
		}
	}
}

// wantsGRPC says whether Envoy answers this client in gRPC's way. Envoy knows
// these two spellings only: no parameters, no upper case, no grpc-web.
func (r *request) wantsGRPC() bool {
	kind, _ := r.Header("content-type", 0)
	return kind == "application/grpc" || strings.HasPrefix(kind, "application/grpc+")
}

// isHeader says whether a key is a header and not a pseudo-header.
func isHeader(key string) bool { return key != "" && key[0] != ':' }

// text is the value of a line: Envoy fills raw_value, other fronts may use value.
func text(h *corev3.HeaderValue) string {
	if raw := h.GetRawValue(); len(raw) > 0 {
		return string(raw)
	}
	return h.GetValue()
}

// hasUpper says whether any key is not in lower case, as Envoy's always are.
func hasUpper(headers map[string]string) bool {
	for name := range headers {
		if strings.ContainsFunc(name, isUpper) {
			return true
		}
	}
	return false
}

func isUpper(c rune) bool { return c >= 'A' && c <= 'Z' }

// lower folds ASCII only: no letter outside it may turn into one inside.
func lower(name string) string {
	if !strings.ContainsFunc(name, isUpper) {
		return name
	}
	return strings.Map(func(c rune) rune {
		if isUpper(c) {
			return c + 'a' - 'A'
		}
		return c
	}, name)
}

// spread turns a map with keys of any case into lines, in a fixed order, so
// that two spellings of one name are seen as the repetition they are.
func spread(headers map[string]string) []*corev3.HeaderValue {
	lines := make([]*corev3.HeaderValue, 0, len(headers))
	for name, value := range headers {
		lines = append(lines, &corev3.HeaderValue{Key: name, Value: value})
	}
	slices.SortFunc(lines, func(a, b *corev3.HeaderValue) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	return lines
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
