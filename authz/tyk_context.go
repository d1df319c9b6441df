package authz

import (
	"slices"
	"strings"
)

// Variables of a definition of Tyk that each request gives anew, after
// $tyk_context. What Tyk takes from the body (request_data) is unknown here.
const (
	contextHeader = "headers_"
	contextCookie = "cookies_"
)

// ofRequest are the variables of the request with a name of their own.
func ofRequest(name string) (source, bool) {
	switch name {
	case "path":
		return fromPath, true
	case "path_parts":
		return fromPathParts, true
	case "remote_addr":
		return fromAddress, true
	case "request_id":
		return fromRequestID, true
	}
	return fromNothing, false
}

// requestVariable compiles a variable of the request. Tyk spells the names of
// headers and cookies with _ for -.
func requestVariable(name string) (piece, bool) {
	if source, ok := ofRequest(name); ok {
		return piece{source, ""}, true
	}
	if header, ok := strings.CutPrefix(name, contextHeader); ok {
		header = strings.ToLower(strings.ReplaceAll(header, "_", "-"))
		return piece{fromHeader, header}, isToken(header)
	}
	cookie, ok := strings.CutPrefix(name, contextCookie)
	return piece{fromCookie, cookie}, ok && isToken(cookie)
}

// live says whether a value belongs to one request, and not to a session.
func (p *piece) live() bool { return p.source >= fromPath }

// live says whether a header has to be made for each request.
func (i *injection) live() bool {
	return slices.ContainsFunc(i.pieces, func(p piece) bool { return p.live() })
}

// settle gives the headers that are made for each request with all that the
// session says of them, for sessions are kept and tokens are not.
func (t *template) settle(f *filling) []injection {
	if len(t.live) == 0 {
		return nil
	}
	out := make([]injection, 0, len(t.live))
	for _, in := range t.live {
		pieces := make([]piece, 0, len(in.pieces))
		for _, p := range in.pieces {
			if !p.live() {
				one := injection{source: p.source, name: p.name}
				value, _ := one.value(f)
				p = piece{fromLiteral, value}
			}
			pieces = append(pieces, p)
		}
		out = append(out, injection{header: in.header, source: fromMixed, pieces: pieces})
	}
	return out
}

// sessionEdits are the edits of the session and, where the API has any, of this
// request.
func (d *decision) sessionEdits() []Edit {
	s := d.session
	if len(s.live) == 0 {
		return s.edits
	}
	room := maxHeadersTotal
	for _, e := range s.edits {
		if !e.Remove {
			room -= len(e.Name) + len(e.Value)
		}
	}
	edits := slices.Clip(s.edits)
	for i := range s.live {
		value := d.mixed(s.live[i].pieces)
		size := len(s.live[i].header) + len(value)
		if value == "" || !canStand(value) || size > room {
			edits = append(edits, Edit{Name: s.live[i].header, Remove: true})
			continue
		}
		room -= size
		edits = append(edits, Edit{Name: s.live[i].header, Value: value})
	}
	return edits
}

func (d *decision) mixed(pieces []piece) string {
	var out strings.Builder
	for _, p := range pieces {
		out.WriteString(d.piece(p))
	}
	return out.String()
}

// piece is the value of a variable in this request; "" where it has none.
func (d *decision) piece(p piece) string {
	switch p.source {
	case fromPath:
		return d.target.Path
	case fromPathParts:
		return strings.ReplaceAll(d.target.Path, "/", ",")
	case fromAddress:
		return d.line.SourceAddress
	case fromRequestID:
		return d.id
	case fromHeader:
		if d.api.edits.managed.has(p.name) { // the client's own words under a name of ours
			return ""
		}
		value, _ := d.req.Header(p.name, 0)
		return value
	case fromCookie:
		value, _ := findCookie(d.req, p.name)
		if dashed := strings.ReplaceAll(p.name, "_", "-"); value == "" && dashed != p.name {
			value, _ = findCookie(d.req, dashed)
		}
		return value
	case fromLiteral:
		return p.name
	case fromClaim, fromMeta, fromSessionID, fromSubject, fromIssuer, fromAPI, fromPolicies, fromScopes, fromTags,
		fromNothing, fromMixed, fromTykID, fromJOSE: // settled
	}
	return ""
}

// KnownVariable says whether a text after $tyk_context. names a variable that a
// definition of Tyk can have here.
func KnownVariable(name string) bool {
	if _, ok := requestVariable(name); ok || name == "token" {
		return true
	}
	claim, ok := strings.CutPrefix(name, tykClaim)
	return ok && claim != ""
}
