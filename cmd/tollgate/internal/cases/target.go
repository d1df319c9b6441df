package cases

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/envoy"
)

// placeholder stands for the token in the URL and in header values.
const placeholder = "$token"

// with is the request of a case on top of what the file sets.
func (r Request) with(own Request) Request {
	all := Request{
		Method: orElse(own.Method, orElse(r.Method, "GET")), URL: orElse(own.URL, r.URL),
		Context: map[string]string{},
		Source: Source{
			Address: orElse(own.Source.Address, r.Source.Address), Principal: orElse(own.Source.Principal, r.Source.Principal),
		},
	}
	maps.Copy(all.Context, r.Context)
	maps.Copy(all.Context, own.Context)
	for _, line := range r.Headers {
		if !slices.ContainsFunc(own.Headers, func(other Line) bool { return other.Name == line.Name }) {
			all.Headers = append(all.Headers, line)
		}
	}
	all.Headers = append(all.Headers, own.Headers...)
	return all
}

// split cuts a URL without reading it: an encoded slash or a dot segment is the
// very thing that a case may be about.
func (r Request) split() (scheme, host, target string, err error) {
	scheme, rest, ok := strings.Cut(r.URL, "://")
	if !ok || rest == "" || scheme == "" {
		return "", "", "", errors.New("the request has no URL with scheme and host")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, target = rest[:end], rest[end:]
	if target == "" && r.Method != "CONNECT" {
		target = "/"
	}
	return scheme, host, target, nil
}

// described is the request as a front tells it, with the token in its place.
func (r Request) described(token string) (*envoy.HTTP, error) {
	scheme, host, target, err := r.split()
	if err != nil {
		return nil, err
	}
	described := &envoy.HTTP{
		Method: r.Method, Scheme: scheme, Host: host, Target: strings.ReplaceAll(target, placeholder, token), Raw: true,
		Extensions: r.Context, Principal: r.Source.Principal, Source: r.Source.Address,
	}
	placed := strings.Contains(target, placeholder)
	for _, line := range r.Headers {
		for _, value := range line.Values {
			placed = placed || strings.Contains(value, placeholder)
			described.Headers = append(described.Headers, envoy.Field{Name: line.Name, Value: strings.ReplaceAll(value, placeholder, token)})
		}
	}
	if token != "" && !placed {
		described.Headers = append(described.Headers, envoy.Field{Name: "authorization", Value: "Bearer " + token})
	}
	return described, nil
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
