package authz

import (
	"net/url"
	"slices"
	"strings"
)

// asked gives the version that a request names, the default where it names none.
// ok is false where an upstream may read another one than this gate: a name that
// is there twice, or in a spelling that not everybody reads alike.
func (v *TykVersions) asked(d *decision) (asked string, ok bool) {
	ok = true
	switch {
	case v.InPath:
		if below, under := strings.CutPrefix(d.target.Path, v.Path); under {
			asked, _, _ = strings.Cut(below, "/")
		}
	case v.Query != "":
		asked, ok = versionIn(d.line.Target, v.Query)
	default:
		asked, _ = d.req.Header(v.Header, 0)
		_, twice := d.req.Header(v.Header, 1)
		ok = !twice && !strings.Contains(asked, ",") // fronts join lines
	}
	if asked == "" || v.Fallback && !slices.Contains(v.Known, asked) && v.Siblings[asked] == "" {
		asked = v.Default
	}
	return asked, ok
}

// versionIn gives the value of a query parameter however its name is escaped.
func versionIn(target, name string) (value string, ok bool) {
	_, query, _ := strings.Cut(target, "?")
	found := 0
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if strings.Contains(pair, ";") && strings.Contains(pair, name) { // some part pairs there, too
			return "", false
		}
		key, v, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		if err != nil {
			return "", false
		}
		if key != name {
			continue
		}
		if value, err = url.QueryUnescape(v); err != nil {
			return "", false
		}
		found++
	}
	return value, found <= 1
}

// sibling gives the API that decides: that of the version which a request names,
// where versions are APIs of their own. Where that API is not there the request
// stays, and is refused as one for an unknown version. ok is that of asked.
func (d *decision) sibling(a *api) (decides *api, ok bool) {
	if a == nil || a.spec.Inactive {
		return a, true
	}
	v := a.spec.Definition.version()
	if v == nil {
		return a, true
	}
	asked, ok := v.asked(d)
	if other := d.snap.byID[v.Siblings[asked]]; ok && other != nil {
		return other, true
	}
	return a, ok
}

// version refuses a request for a version of the API that there is not, or that
// the policies do not grant.
func (d *decision) version() *denial {
	v := d.api.spec.Definition.version()
	if v == nil {
		return nil
	}
	asked, ok := v.asked(d)
	if !ok {
		return denied(RequestMalformed)
	}
	why := denied(AccessRefused)
	switch {
	case asked == "":
		why.tyk = "Version information not found"
		return why
	case !slices.Contains(v.Known, asked):
		why.tyk = "This API version does not seem to exist"
		return why
	case !v.Rights, d.session.rights.HasVersion(asked), v.Fallback && d.session.rights.HasVersion(v.Default):
		return nil
	}
	why.tyk = errTykAPI
	return why
}

const errTykAPI = "Access to this API has been disallowed"

func (d *TykDefinition) version() *TykVersions {
	if d == nil {
		return nil
	}
	return d.Versions
}
