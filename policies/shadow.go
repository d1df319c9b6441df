package policies

import (
	"strconv"
	"strings"
)

// warnShadows warns of entries whose require_scopes protect nothing, because a
// wider entry of the same policy grants the same requests without them: rights
// are united, an entry only ever adds.
func (c *compiler) warnShadows(at string, s *source, access *AccessSpec) {
	for i := range access.Allow {
		entry := &access.Allow[i]
		p, f := parsePattern(entry.Path)
		if f != nil || p.shape == expr || len(entry.RequireScopes) == 0 {
			continue
		}
		path, free := p.example(), ScopesOf(s.needs...)
		for _, method := range entry.Methods {
			q := search{method: method, path: path, scopes: free}
			if q.from(s.tree, path, 0); q.found.ok {
				c.warn(at+"/allow/"+strconv.Itoa(i)+"/require_scopes", fault{
					"another entry of this policy grants " + method + " on this path without these scopes",
					"narrow the other entry: entries only add rights",
				})
				break
			}
		}
	}
}

// example gives a path that the pattern matches and that no other literal
// segment is likely to.
func (p *pattern) example() string {
	var path strings.Builder
	for _, segment := range p.segments {
		if segment == "" {
			segment = "~any~"
		}
		path.WriteString("/" + segment)
	}
	switch p.shape {
	case below:
		path.WriteString("/~any~")
	case slash:
		path.WriteString("/")
	default:
	}
	return path.String()
}
