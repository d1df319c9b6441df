package authz

import (
	"errors"
	"strings"
)

// Plain is a Request that holds what it tells: for explaining a request that
// somebody describes. Names of headers are in lower case.
type Plain struct {
	Request Line
	Headers []Header
}

// ErrURL says that a text is no absolute http or https URL.
var ErrURL = errors.New("no URL: write http://host/path")

// ParsePlain describes a request by method and URL. The target stays as it is
// written: an encoded slash is a question of its own.
func ParsePlain(method, url string) (*Plain, error) {
	scheme, rest, ok := strings.Cut(url, "://")
	scheme = strings.ToLower(scheme)
	if !ok || rest == "" || (scheme != "http" && scheme != "https") {
		return nil, ErrURL
	}
	at := strings.IndexAny(rest, "/?#")
	if at < 0 {
		at = len(rest)
	}
	p := &Plain{Request: Line{Method: method, Scheme: scheme, Host: rest[:at], Target: rest[at:]}}
	if !strings.HasPrefix(p.Request.Target, "/") {
		p.Request.Target = "/" + p.Request.Target
	}
	return p, nil
}

// Add adds a header line. A Host line replaces the host of the URL.
func (p *Plain) Add(name, value string) {
	name = strings.ToLower(name)
	if name == "host" {
		p.Request.Host = value
		return
	}
	p.Headers = append(p.Headers, Header{Name: name, Value: value})
}

// Line implements Request.
func (p *Plain) Line() Line { return p.Request }

// Header implements Request.
func (p *Plain) Header(name string, nth int) (string, bool) {
	for _, h := range p.Headers {
		if h.Name != name {
			continue
		}
		if nth == 0 {
			return h.Value, true
		}
		nth--
	}
	return "", false
}

// Names implements Request.
func (p *Plain) Names(yield func(string) bool) {
	for _, h := range p.Headers {
		if !yield(h.Name) {
			return
		}
	}
}
