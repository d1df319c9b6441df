package main

import (
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// question is a request as flags describe it: the view that check asks about.
type question struct {
	line    authz.Line
	headers []authz.Header // names in lower case
}

var _ authz.Request = (*question)(nil)

// newQuestion reads --method, --url and -H. The target stays as it is written:
// an encoded slash is a question of its own.
func newQuestion(method, url string, headers []string) (*question, error) {
	q := &question{line: authz.Line{Method: method}}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || rest == "" {
		return nil, usage("--url %q is no URL: write http://host/path", hideQuery(url))
	}
	q.line.Scheme = strings.ToLower(scheme)
	if q.line.Scheme != "http" && q.line.Scheme != "https" {
		return nil, usage("--url has scheme %q: use http or https", scheme)
	}
	at := strings.IndexAny(rest, "/?#")
	if at < 0 {
		at = len(rest)
	}
	q.line.Host, q.line.Target = rest[:at], rest[at:]
	if !strings.HasPrefix(q.line.Target, "/") {
		q.line.Target = "/" + q.line.Target
	}
	for _, header := range headers {
		name, value, ok := strings.Cut(header, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			return nil, usage("-H needs 'name: value'") // what was given may hold a token
		}
		value = strings.TrimSpace(value)
		if name == "host" {
			q.line.Host = value
			continue
		}
		q.headers = append(q.headers, authz.Header{Name: name, Value: value})
	}
	return q, nil
}

// hideQuery leaves out what may hold a token.
func hideQuery(url string) string {
	plain, _, ok := strings.Cut(url, "?")
	if ok {
		plain += "?…"
	}
	return plain
}

// Line gives the request line.
func (q *question) Line() authz.Line { return q.line }

// Header gives the nth line of a header.
func (q *question) Header(name string, nth int) (string, bool) {
	for _, header := range q.headers {
		if header.Name != name {
			continue
		}
		if nth == 0 {
			return header.Value, true
		}
		nth--
	}
	return "", false
}

// Names tells the name of every header.
func (q *question) Names(yield func(string) bool) {
	for _, header := range q.headers {
		if !yield(header.Name) {
			return
		}
	}
}
