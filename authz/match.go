package authz

import (
	"strings"

	"github.com/tollgate-authz/tollgate/policies"
)

// hosts finds the API of a request by host and path (contract section 4).
type hosts struct {
	exact    map[string]*prefixes
	suffix   map[string]*prefixes // ".example.com" of *.example.com
	fallback *prefixes            // of "*"
}

// prefixes are the path prefixes under one host.
type prefixes struct {
	apis  map[string]*api // by prefix, without a slash at its end; "" is "/"
	depth int             // most segments of a prefix
}

// find gives the API. The most specific host that is configured decides alone:
// an exact one before the longest suffix before "*".
func (h *hosts) find(host, path string) *api {
	if p := h.exact[host]; p != nil {
		return p.find(path)
	}
	for rest := host; ; {
		dot := strings.IndexByte(rest, '.')
		if dot < 0 {
			break
		}
		rest = rest[dot:]
		if p := h.suffix[rest]; p != nil && len(rest) < len(host) {
			return p.find(path)
		}
		rest = rest[1:]
	}
	if h.fallback == nil {
		return nil
	}
	return h.fallback.find(path)
}

// find gives the API with the longest prefix of whole segments.
func (p *prefixes) find(path string) *api {
	found := p.apis[""]
	end := 0
	for range p.depth {
		if end >= len(path) {
			break
		}
		next := strings.IndexByte(path[end+1:], '/')
		if next < 0 {
			end = len(path)
		} else {
			end += 1 + next
		}
		if a := p.apis[path[:end]]; a != nil {
			found = a
		}
	}
	return found
}

// add takes a match into the index; taken is the API that has it already.
func (h *hosts) add(host, path string, a *api) (taken *api) {
	var p *prefixes
	switch {
	case host == "*":
		if h.fallback == nil {
			h.fallback = &prefixes{apis: map[string]*api{}}
		}
		p = h.fallback
	case strings.HasPrefix(host, "*."):
		p = prefixesOf(&h.suffix, host[1:])
	default:
		p = prefixesOf(&h.exact, host)
	}
	path = strings.TrimSuffix(path, "/")
	if taken := p.apis[path]; taken != nil {
		return taken
	}
	p.apis[path] = a
	p.depth = max(p.depth, strings.Count(path, "/"))
	return nil
}

func prefixesOf(index *map[string]*prefixes, host string) *prefixes {
	if *index == nil {
		*index = map[string]*prefixes{}
	}
	p := (*index)[host]
	if p == nil {
		p = &prefixes{apis: map[string]*api{}}
		(*index)[host] = p
	}
	return p
}

// compileMatch checks the matches of an API and takes them into the index.
func compileMatch(h *hosts, a *api, base string, p *problems) {
	for i, m := range a.spec.Match {
		host, ok := matchHost(m.Host)
		if !ok {
			p.add(at(base, "match", i, "host"), "is no host: "+strings.ToValidUTF8(m.Host, "?"),
				`a host without port ("api.example.com"), "*.example.com" or "*"`)
		}
		path, err := matchPath(m.Path)
		if err != nil {
			p.add(at(base, "match", i, "path"), err.Error(), `a path like "/orders"`)
		}
		if !ok || err != nil {
			continue
		}
		if taken := h.add(host, path, a); taken != nil {
			p.add(at(base, "match", i), "host and path belong to API "+taken.spec.ID+" already", "another host or a longer path")
		}
	}
}

func matchHost(host string) (string, bool) {
	if host == "*" {
		return host, true
	}
	name := strings.TrimPrefix(host, "*.")
	got, ok := hostOf(name)
	if !ok || got == "" || got != strings.ToLower(name) || strings.Contains(got, "*") {
		return "", false
	}
	if len(name) < len(host) {
		got = "*." + got
	}
	return got, true
}

func matchPath(path string) (string, error) {
	if path == "" {
		return "/", nil
	}
	target, err := policies.ParseTarget(path)
	if err != nil {
		return "", err
	}
	if target.HasQuery {
		return "", policies.TargetError(`a match has no query: leave out what follows "?"`)
	}
	return target.Path, nil
}
