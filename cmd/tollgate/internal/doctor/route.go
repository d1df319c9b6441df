package doctor

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// API is what the rules need of an API of the gate's configuration.
type API struct {
	ID    string
	Match []Match
}

// Match is one host and path prefix of an API.
type Match struct{ Host, Path string }

// hidden is what a running Envoy shows of context_extensions, which it takes for
// secrets; a file shows them.
const hidden = "[redacted]"

// aRoute is one route with what its filter configurations, merged, say.
type aRoute struct {
	name    string
	hosts   []string
	path    string
	exact   bool // path is the whole path, not a prefix
	opaque  bool // the match is a regular expression or a template
	own     bool // one whole path, which the gate's public listener answers itself
	checked bool
	context map[string]string
}

// examineRoutes looks at the routes that the filter f guards.
func (m manager) examineRoutes(r report, f filter, apis []API) {
	for _, configuration := range m.routes {
		for _, host := range configuration.at("virtual_hosts").list() {
			for i, route := range host.at("routes").list() {
				one := newRoute(f, configuration, host, route)
				place := r.at("route " + one.label(host, i))
				if !one.checked && one.own {
					continue
				}
				if !one.checked {
					place.add("route_unchecked", Warning, "requests on this route are not checked",
						"remove disabled from its typed_per_filter_config; routes that need no token are better made public in the gate, which removes identity headers there")
					continue
				}
				if route.at("route", "internal_redirect_policy").there() {
					place.add("internal_redirect", Advice, "a redirected request is checked again, without its Authorization and with injected headers",
						"follow redirects in the client")
				}
				one.examineAPI(place, apis)
			}
		}
	}
}

func newRoute(f filter, configuration, host, route tree) aRoute {
	one := aRoute{checked: !f.disabled, context: map[string]string{}, name: route.at("name").text()}
	for _, domain := range host.at("domains").list() {
		one.hosts = append(one.hosts, domain.text())
	}
	match := route.at("match")
	switch {
	case match.at("path").there():
		one.path, one.exact = match.at("path").text(), true
	case match.at("prefix").there():
		one.path = match.at("prefix").text()
	case match.at("path_separated_prefix").there():
		one.path = match.at("path_separated_prefix").text()
	default:
		one.opaque = true
	}
	one.own = one.exact && route.at("route", "cluster").text() == envoyconfig.PublicCluster
	for _, level := range []tree{configuration, host, route} {
		own := level.at("typed_per_filter_config", f.name)
		if !own.there() {
			continue
		}
		one.checked = !own.at("disabled").yes()
		if own.is("FilterConfig") {
			own = own.at("config")
			one.checked = one.checked && !own.at("disabled").yes()
		}
		for name, value := range own.at("check_settings", "context_extensions").members() {
			one.context[name] = value.text()
		}
	}
	return one
}

func (a aRoute) label(host tree, index int) string {
	if a.name != "" {
		return a.name
	}
	if a.path != "" {
		return host.at("name").text() + " " + a.path
	}
	return host.at("name").text() + " number " + strconv.Itoa(index+1)
}

// examineAPI looks for routes whose requests no API takes.
func (a aRoute) examineAPI(r report, apis []API) {
	if apis == nil {
		return
	}
	if id, ok := a.context["api_id"]; ok {
		if id != hidden && !slices.ContainsFunc(apis, func(api API) bool { return api.ID == id }) {
			r.add("route_api", Problem, "context_extensions names the API "+id+", which the gate does not have: its requests are answered api_unknown",
				"correct api_id, or add the API; there are "+names(apis))
		}
		return
	}
	if a.opaque {
		return
	}
	for _, host := range a.hosts {
		if !slices.ContainsFunc(apis, func(api API) bool { return api.meets(host, a.path, a.exact) }) {
			r.add("route_api", Problem, "no API of the gate takes requests of host "+host+" at "+a.path+": they are answered api_unknown",
				"add match: {host: "+host+", path: "+a.path+"} to an API, name one by context_extensions api_id, or take the route away")
		}
	}
}

func names(apis []API) string {
	ids := map[string]bool{}
	for _, api := range apis {
		ids[api.ID] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(ids)), ", ")
}

// meets says whether some request of the route could be the API's: hosts fit,
// and one path prefix lies within the other. It errs towards yes.
func (api API) meets(host, path string, exact bool) bool {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	for _, match := range api.Match {
		if !hostsMeet(match.Host, host) {
			continue
		}
		prefix := strings.TrimSuffix(match.Path, "/")
		if path == prefix || strings.HasPrefix(path, prefix+"/") || !exact && strings.HasPrefix(prefix, path) {
			return true
		}
	}
	return false
}

func hostsMeet(ours, theirs string) bool {
	if ours == "*" || theirs == "*" || ours == theirs {
		return true
	}
	suffix, wild := strings.CutPrefix(ours, "*")
	if wild && strings.HasSuffix(theirs, suffix) {
		return true
	}
	suffix, wild = strings.CutPrefix(theirs, "*")
	return wild && strings.HasSuffix(ours, suffix)
}
