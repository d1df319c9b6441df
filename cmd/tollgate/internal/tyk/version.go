package tyk

import "github.com/tollgate-authz/tollgate/authz"

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
		if e := v.value.get("expires"); e.there() && e.text() != "" && e.text() != "-1" {
			e.note("version-expires", "versions do not end by themselves", "take the version out when its time has come")
		}
	}
	d.locateVersion(at.get("location"), at.get("key"))
}

// oasVersions reads the versions of an OAS definition: other definitions, to
// which Tyk would hand the request on. Only the definition's own is served.
func (d *definition) oasVersions(at value) {
	own := at.get("name").text()
	d.versions = &authz.TykVersions{Default: own, Known: []string{own}}
	if own == "" {
		at.get("name").wrong("the version of this definition has no name", "its name")
	}
	d.locateVersion(at.get("location"), at.get("key"))
	at.note("versions", "a request for another version than "+shown(own)+" is refused, where Tyk hands it on to another definition",
		"let the route of each version name its API")
}

func (d *definition) locateVersion(location, key value) {
	name := key.text()
	switch location.text() {
	case "header":
		d.versions.Header = name
	case "url-param":
		d.versions.Query = name
	default:
		location.wrong("a version in the path cannot be told from the path", "header or url-param, or one definition for each listen path")
		return
	}
	if name == "" {
		key.wrong("the version has no name to be found by", "a header or parameter")
	}
}
