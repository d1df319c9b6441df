package authz

// stripEdits removes the credential from the request that goes upstream, from
// every enabled place where one was, and nothing else.
func (d *decision) stripEdits(edits []Edit) []Edit {
	l, found, covered := &d.api.location, d.found, d.api.edits.covered
	if found.inHeader && !covered[l.header] {
		edits = append(edits, Edit{Name: l.header, Remove: true})
	}
	if found.inCookie && !covered["cookie"] {
		rest := dropCookie(d.req, l.cookie)
		edits = append(edits, Edit{Name: "cookie", Value: rest, Remove: rest == ""})
	}
	if found.inQuery {
		edits = append(edits, Edit{Name: ":path", Value: dropQuery(d.line.Target, l.query)})
	}
	return edits
}

// replaceHalf puts the whole token where the half of it stood, or with upstream:
// headers takes the half away.
func (d *decision) replaceHalf(edits []Edit) []Edit {
	if d.api.spec.Split.Headers {
		return d.stripEdits(edits)
	}
	l, covered := &d.api.location, d.api.edits.covered
	switch {
	case d.found.from == "header" && !covered[l.header]:
		value := d.whole.Token
		if l.header == authorization {
			value = d.whole.Bearer
		}
		return append(edits, Edit{Name: l.header, Value: value})
	case d.found.from == "cookie" && !covered["cookie"]:
		return append(edits, Edit{Name: "cookie", Value: rewriteCookie(d.req, l.cookie, l.cookie+"="+d.token)})
	case d.found.from == "query":
		return append(edits, Edit{Name: ":path", Value: rewriteQuery(d.line.Target, l.query, l.query+"="+d.token)})
	}
	return edits
}
