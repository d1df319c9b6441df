package envoy

import (
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// The keys of context_extensions that mean something here (contract section 4);
// all others are ignored.
const (
	extensionAPI    = "api_id"
	extensionScopes = "require_scopes"
)

// pair is one header line or one extension. Envoy fills the raw bytes of lines in
// header_map; other fronts may fill the value.
type pair struct{ key, value, raw string }

// text is the value of a line.
func (p *pair) text() string {
	if p.raw != "" {
		return p.raw
	}
	return p.value
}

// request is the view of one CheckRequest. Envoy fills either headers (a map
// with repeated lines joined by a comma) or, with encode_raw_headers,
// header_map (every line apart, exact bytes); the view reads both.
type request struct {
	line       authz.Line
	http       bool   // there is an HTTP request
	joined     []pair // headers, by name; of those that stand twice the last counts
	lines      []pair // header_map
	extensions []pair // context_extensions; likewise

	generated any // the generated message, where one is read and answered
	taken     bool
	room      [24]pair // for the headers of a usual request
}

var _ authz.Request = (*request)(nil)

// newRequest gives an empty view for the codec to read a message into.
func newRequest() *request { return &request{} }

// roomFor gives list, or the room if nothing took it yet.
func (r *request) roomFor(list []pair) []pair {
	if list == nil && !r.taken {
		r.taken = true
		return r.room[:0]
	}
	return list
}

// open judges what was read; the view answers questions after it.
func (r *request) open() {
	if !r.http {
		r.line = authz.Line{Malformed: true}
		return
	}
	for _, e := range r.extensions {
		switch e.key {
		case extensionAPI:
			r.line.API, r.line.HasAPI = e.value, true
		case extensionScopes:
			r.line.RequireScopes = e.value
		}
	}
	r.openHeaders()
	// Logs keep these two for longer than the call: they must not hold the memory of
	// the whole message.
	both := r.line.Method + r.line.Target
	r.line.Method, r.line.Target = both[:len(r.line.Method)], both[len(r.line.Method):]
}

// openHeaders chooses the form of the headers. A message that fills both says
// two things at once: it is refused.
func (r *request) openHeaders() {
	if len(r.lines) > 0 && len(r.joined) > 0 {
		r.line.Malformed = true
		return
	}
	if anyUpper(r.joined) {
		r.lines, r.joined = spread(r.joined), nil
	}
	r.openPseudo()
}

// openPseudo takes the request line from header_map where it stands there: the
// fields of the message are copies in which bytes that are no UTF-8 became "!".
func (r *request) openPseudo() {
	var method, authority, scheme, path int
	for i := range r.lines {
		h := &r.lines[i]
		if h.value != "" && h.raw != "" && h.value != h.raw {
			r.line.Malformed = true // the API says: only one of the two
		}
		switch h.key {
		case ":method":
			r.line.Method = h.text()
			method++
		case ":authority":
			r.line.Host = h.text()
			authority++
		case ":scheme":
			r.line.Scheme = h.text()
			scheme++
		case ":path":
			r.line.Target = h.text()
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
	if len(r.joined) > 0 {
		for i := range slices.Backward(r.joined) {
			if r.joined[i].key == name {
				return r.joined[i].value, nth == 0
			}
		}
		return "", false
	}
	for i := range r.lines {
		h := &r.lines[i]
		if len(h.key) != len(name) || !strings.EqualFold(h.key, name) {
			continue
		}
		if nth == 0 {
			return h.text(), true
		}
		nth--
	}
	return "", false
}

// Names calls yield with the name of every header line.
func (r *request) Names(yield func(name string) bool) {
	for _, list := range [...][]pair{r.joined, r.lines} {
		for i := range list {
			if isHeader(list[i].key) && !yield(lower(list[i].key)) {
				return
			}
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

// anyUpper says whether any key is not in lower case, as Envoy's always are.
func anyUpper(headers []pair) bool {
	for i := range headers {
		if hasUpper(headers[i].key) {
			return true
		}
	}
	return false
}

// hasUpper looks at bytes: none of a character beyond ASCII looks like a letter.
func hasUpper(name string) bool {
	for i := range len(name) {
		if name[i] >= 'A' && name[i] <= 'Z' {
			return true
		}
	}
	return false
}

// lower folds ASCII only: no letter outside it may turn into one inside.
func lower(name string) string {
	if !hasUpper(name) {
		return name
	}
	folded := []byte(name)
	for i, c := range folded {
		if c >= 'A' && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// spread turns the entries of a map with keys of any case into lines, in a fixed
// order, so that two spellings of one name are seen as the repetition they are.
func spread(headers []pair) []pair {
	last := make(map[string]string, len(headers))
	for _, h := range headers {
		last[h.key] = h.value
	}
	lines := make([]pair, 0, len(last))
	for name, value := range last {
		lines = append(lines, pair{key: name, value: value})
	}
	slices.SortFunc(lines, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	return lines
}
