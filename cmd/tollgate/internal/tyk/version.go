package tyk

import (
	"regexp"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
)

// classicVersions reads how a request names the version that it wants. Policies
// must grant it.
func (d *definition) classicVersions(at, data value) {
	d.versions = &authz.TykVersions{
		Default: data.get("default_version").text(), Fallback: at.get("fallback_to_default").flag(), Rights: true,
	}
	for _, v := range data.get("versions").members() {
		name := v.value.get("name").text()
		if name == "" {
			name = v.name
		}
		d.versions.Known = append(d.versions.Known, name)
		if e := v.value.get("expires"); expires(e) {
			e.note("version-expires", "versions do not end by themselves", "take the version out when its time has come")
		}
	}
	d.locateVersion(at)
	d.versionStripped = at.get("strip_path").flag() || at.get("strip_versioning_data").flag()
}

// expires says whether an API or a version ends at some time.
func expires(at value) bool { return at.text() != "" && at.text() != "-1" }

// oasVersions reads the versions of an OAS definition: its own, and other
// definitions, which alone decide the requests for them.
func (d *definition) oasVersions(at value) {
	own := at.get("name").text()
	d.versions = &authz.TykVersions{
		Default: at.get("default").text(), Fallback: at.get("fallbackToDefault").flag(), Known: []string{own}, Siblings: map[string]string{},
	}
	if own == "" {
		at.get("name").wrong("the version of this definition has no name", "its name")
	}
	if d.versions.Default == "" || d.versions.Default == "self" {
		d.versions.Default = own
	}
	for _, v := range at.get("versions").list() {
		name, id := v.get("name"), v.get("id")
		if name.text() == "" || id.text() == "" {
			v.wrong("a version needs a name and the id of its definition", "name and id")
			continue
		}
		d.versions.Siblings[name.text()] = id.text()
		d.siblings = append(d.siblings, id)
	}
	d.locateVersion(at)
	d.versionStripped = at.get("stripVersioningData").flag()
}

func (d *definition) locateVersion(at value) {
	location, key := at.get("location"), at.get("key")
	if pattern := firstOf(at, "url_versioning_pattern", "urlVersioningPattern"); pattern.text() != "" {
		pattern.wrong("a pattern of versions cannot be kept", "versions by their names")
	}
	name := key.text()
	switch location.text() {
	case "header":
		d.versions.Header = strings.ToLower(name)
	case "url-param":
		d.versions.Query = name
	case "url":
		d.versions.InPath, d.versions.Path = true, strings.TrimSuffix(d.path(), "/")+"/"
		return
	default:
		location.wrong("this gate cannot find the version there", "header, url-param or url")
		return
	}
	if name == "" {
		key.wrong("the version has no name to be found by", "a header or parameter")
	}
}

// firstOf gives the member of the first name that is there.
func firstOf(at value, names ...string) value {
	for _, name := range names {
		if v := at.get(name); v.there() {
			return v
		}
	}
	return at.get(names[0])
}

// versionPart is what stands in a path for the version, as a regular expression:
// nothing unless Tyk takes it out of the path before rights are asked.
func (d *definition) versionPart() string {
	if d.versions == nil || !d.versions.InPath || !d.versionStripped {
		return ""
	}
	var names []string
	for _, name := range d.versions.Known {
		names = append(names, regexp.QuoteMeta(name))
	}
	for _, name := range sortedKeys(d.versions.Siblings) {
		names = append(names, regexp.QuoteMeta(name))
	}
	return "/(?:" + strings.Join(names, "|") + ")"
}

// versionPaths tells where versions listen besides their own listen paths: a
// request for a sibling has the path of the definition that names it.
func (l *Loaded) versionPaths(definitions []definition, p *paths) {
	for i := range definitions {
		d := &definitions[i]
		if d.versions == nil || d.kind != "" {
			continue
		}
		own, part := regexp.QuoteMeta(strings.TrimSuffix(d.path(), "/")), d.versionPart()
		if part != "" {
			p.also[d.id.text()] = append(p.also[d.id.text()], own+part)
		}
		for _, sibling := range d.siblings {
			id := sibling.text()
			if _, there := p.listen[id]; !there {
				sibling.note("version-missing", "the definition "+shown(id)+" of this version is not loaded, so its requests are refused", "include it")
			}
			p.also[id] = append(p.also[id], own)
			if part != "" {
				p.also[id] = append(p.also[id], own+part)
			}
		}
	}
}
