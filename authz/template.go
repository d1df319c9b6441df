package authz

import (
	"maps"
	"slices"
	"strings"
)

// reservedPrefix is the prefix of the headers that only this service sets.
const reservedPrefix = "x-tollgate-"

// template is what an API injects into allowed requests and what it removes
// from them, compiled.
type template struct {
	inject  []injection     // ordered by header
	live    []injection     // those with a value of their own for each request
	removal []Edit          // managed names that this API does not inject, and what it removes
	covered map[string]bool // the names of both
	managed *managed
}

// injection is one header and where its value comes from.
type injection struct {
	header string
	source source
	name   string  // of a claim or metadata; the text of a literal
	pieces []piece // of a text with variables of Tyk
}

// source says where a value comes from.
type source uint8

const (
	fromLiteral source = iota
	fromClaim
	fromMeta
	fromSessionID
	fromSubject
	fromIssuer
	fromAPI
	fromPolicies
	fromScopes
	fromTags
	fromNothing
	fromMixed // a text with variables of Tyk
	fromTykID
	fromJOSE // a claim, or a field of the header
	// From here on each request has its own: tyk_context.go.
	fromPath
	fromPathParts
	fromHeader
	fromCookie
	fromAddress
	fromRequestID
)

// defaultInject is what APIs without inject tell the upstream.
func defaultInject() []InjectSpec {
	return []InjectSpec{
		{Header: reservedPrefix + "api", Template: "$api"},
		{Header: reservedPrefix + "issuer", Template: "$issuer"},
		{Header: reservedPrefix + "policies", Template: "$policies"},
		{Header: reservedPrefix + "scopes", Template: "$scopes"},
		{Header: reservedPrefix + "session", Template: "$session.id"},
		{Header: reservedPrefix + "subject", Template: "$subject"},
		{Header: reservedPrefix + "tags", Template: "$tags"},
	}
}

// compileTemplate compiles inject of one API.
func compileTemplate(spec *APISpec, base string, p *problems) template {
	list := spec.Inject
	if !spec.InjectSet {
		list = defaultInject()
	}
	var t template
	taken := map[string]bool{}
	for _, entry := range list {
		where := at(base, "inject", entry.Header)
		name := strings.ToLower(entry.Header)
		switch {
		case !isToken(name):
			p.add(where, "is no name of a header", "letters, digits and -")
		case isFraming(name):
			p.add(where, "belongs to HTTP or to the front", "a header of your own")
		case taken[twin(name)]:
			p.add(where, "is injected twice (case and _ or . for - make no difference)", "")
		}
		taken[twin(name)] = true
		i, ok := compileInjection(name, entry.Template, spec)
		if !ok {
			p.add(where, "has no value of that name", "$claims.NAME, $meta.NAME, $session.id, $subject, $issuer, $api, $policies, $scopes, $tags or a text without $")
		}
		if i.live() {
			t.live = append(t.live, i)
			continue
		}
		t.inject = append(t.inject, i)
	}
	slices.SortFunc(t.inject, func(a, b injection) int { return strings.Compare(a.header, b.header) })
	for i, name := range spec.Remove {
		name = strings.ToLower(name)
		switch {
		case !isToken(name) || isFraming(name):
			p.add(at(base, "remove", i), "is no header that can be removed", "a header of your own")
		case !taken[twin(name)]: // what is injected replaces what was there
			taken[twin(name)] = true
			t.removal = append(t.removal, Edit{Name: name, Remove: true})
		}
	}
	return t
}

func compileInjection(header, text string, spec *APISpec) (injection, bool) {
	i := injection{header: header}
	if spec.Tyk && hasTyk(text) {
		var ok bool
		i.source = fromMixed
		i.pieces, ok = compileMixed(text, spec.Definition)
		return i, ok
	}
	claim, isClaim := strings.CutPrefix(text, "$claims.")
	meta, isMeta := strings.CutPrefix(text, "$meta.")
	switch {
	case isClaim:
		i.source, i.name = fromClaim, claim
		return i, claim != ""
	case isMeta:
		i.source, i.name = fromMeta, meta
		return i, meta != ""
	case !strings.HasPrefix(text, "$"):
		i.name = text
		return i, canStand(text)
	}
	sources := map[string]source{
		"$session.id": fromSessionID, "$subject": fromSubject, "$issuer": fromIssuer, "$api": fromAPI,
		"$policies": fromPolicies, "$scopes": fromScopes, "$tags": fromTags,
	}
	var ok bool
	i.source, ok = sources[text]
	return i, ok
}

// managed are the names that are set or removed on every allow of every API:
// those under any inject of the file and the default ones.
type managed struct {
	twins   map[string]bool // as twin spells them
	spelled []string        // as configured and as twin spells them, in order
	lengths uint64          // bit n&63: a name of n bytes is among them
}

// has says whether a header is ours to set (contract section 5). Most headers of
// a request are not, and their length tells.
func (m *managed) has(name string) bool {
	reserved := len(name) > 10 && name[2:10] == reservedPrefix[2:10]
	if !reserved && m.lengths&(1<<(len(name)&63)) == 0 {
		return false
	}
	name = twin(name)
	return m.twins[name] || strings.HasPrefix(name, reservedPrefix)
}

func managedNames(apis []APISpec) *managed {
	m := &managed{twins: map[string]bool{}}
	spelled := map[string]bool{}
	add := func(header string) {
		name := strings.ToLower(header)
		m.twins[twin(name)] = true
		m.lengths |= 1 << (len(name) & 63)
		spelled[name], spelled[twin(name)] = true, true
	}
	for _, i := range defaultInject() {
		add(i.Header)
	}
	for a := range apis {
		for _, i := range apis[a].Inject {
			add(i.Header)
		}
	}
	m.spelled = slices.Sorted(maps.Keys(spelled))
	return m
}

// finish lists what is removed whether it is seen or not: fronts may hide
// headers from us.
func (t *template) finish(m *managed) {
	t.managed, t.covered = m, make(map[string]bool, len(m.spelled))
	for _, i := range slices.Concat(t.inject, t.live) {
		t.covered[i.header] = true
	}
	for _, e := range t.removal {
		t.covered[e.Name] = true
	}
	for _, name := range m.spelled {
		if !t.covered[name] {
			t.covered[name] = true
			t.removal = append(t.removal, Edit{Name: name, Remove: true})
		}
	}
}

// twin spells a name as CGI-like backends read it: they do not tell _ from -, and
// some (PHP, lighttpd) no other mark either.
func twin(name string) string {
	if !strings.ContainsAny(name, otherMarks) {
		return name
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(otherMarks, r) {
			return '-'
		}
		return r
	}, name)
}

// otherMarks are the marks of a token (RFC 9110 section 5.6.2) that are no "-".
const otherMarks = "_.!#$%&'*+^`|~"
