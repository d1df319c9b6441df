package policies

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tykPolicy is a compiled policy of a Tyk file.
type tykPolicy struct {
	acl, rate, quota    bool // takes part in these; a policy without partitions in all
	perAPI, partitioned bool
	limit               TykLimit
	rights              []tykRight
}

// tykRight is what it says about one API.
type tykRight struct {
	api       string
	limit     TykLimit
	tree      *node // of allowed_urls; nil: no list
	versions  []string
	endpoints []tykEndpoint
}

// tykEndpoint is a rate of one method and path.
type tykEndpoint struct {
	name      string // METHOD:path as the file spells it
	method    string
	expr      *regexp.Regexp
	rate, per float64
}

// tyk compiles a policy of a Tyk file for merging as Tyk does.
func (c *compiler) tyk(at string, spec *Spec) *tykPolicy {
	t := spec.Tyk
	p := &tykPolicy{perAPI: t.PerAPI, partitioned: t.ACL || t.Quota || t.RateLimit || t.Complexity, limit: t.Limit}
	p.acl, p.rate, p.quota = t.ACL || !p.partitioned, t.RateLimit || !p.partitioned, t.Quota || !p.partitioned
	for i := range t.Access {
		access := &t.Access[i]
		place := at + "/access/" + pointerToken(access.API)
		if _, known := slices.BinarySearch(c.apis, access.API); !known {
			c.warn(place, fault{"API " + shown(access.API) + " is not among the definitions that are loaded", ""})
		}
		p.rights = append(p.rights, c.tykRight(place, access))
	}
	slices.SortStableFunc(p.rights, func(a, b tykRight) int { return strings.Compare(a.api, b.api) })
	return p
}

// parse is parsePattern, which is asked once for each pattern: policies of Tyk's
// files have the same ones, and all of them are regular expressions.
func (c *compiler) parse(text string) (pattern, *fault) {
	if known, ok := c.patterns[text]; ok {
		return known.pattern, known.fault
	}
	path, f := parsePattern(text)
	if c.patterns == nil {
		c.patterns = map[string]parsed{}
	}
	c.patterns[text] = parsed{path, f}
	return path, f
}

// parsed is what came of a pattern.
type parsed struct {
	pattern pattern
	fault   *fault
}

func (c *compiler) tykRight(at string, access *TykAccess) tykRight {
	r := tykRight{api: access.API, limit: access.Limit, versions: unique(access.Versions)}
	if len(access.URLs) > 0 {
		r.tree = &node{}
	}
	for i, url := range access.URLs {
		path, f := c.parse(url.Path)
		if f != nil {
			c.fault(at+"/allowed_urls/"+strconv.Itoa(i)+"/url", *f)
			continue
		}
		if len(url.Methods) > 0 {
			r.tree.insert(path, rule{methods: unique(url.Methods)})
		}
	}
	for i, e := range access.Endpoints {
		path, f := c.parse(e.Pattern)
		if f != nil || path.expr == nil {
			c.fault(at+"/endpoints/"+strconv.Itoa(i)+"/path", fault{"is no pattern that can be matched", ""})
			continue
		}
		r.endpoints = append(r.endpoints, tykEndpoint{name: e.Method + ":" + e.Path, method: e.Method, expr: path.expr, rate: e.Rate, per: e.Per})
	}
	return r
}
