package doctor

import (
	"maps"
	"slices"
)

// Front is what an Envoy is configured to do.
type Front struct {
	managers []manager
	clusters map[string]tree
}

// manager is one HTTP connection manager.
type manager struct {
	listener string
	config   tree
	filters  []filter
	routes   []tree // route configurations
}

// filter is one HTTP filter; config is the empty tree when it is delivered apart
// and has not arrived.
type filter struct {
	name     string
	disabled bool // until a route enables it
	config   tree
}

// asksUs says whether the filter is an ext_authz filter.
func (f filter) asksUs() bool { return f.config.is("ExtAuthz") }

// newFront finds the parts of a dump, or of a configuration, which is a dump of
// static resources alone.
func newFront(root tree) *Front {
	front := &Front{clusters: map[string]tree{}}
	routes, extensions := map[string]tree{}, map[string]tree{}
	var listeners []tree
	static := func(resources tree) {
		listeners = append(listeners, resources.at("listeners").list()...)
		for _, cluster := range resources.at("clusters").list() {
			front.clusters[cluster.at("name").text()] = cluster
		}
	}
	static(root.at("static_resources"))
	for _, section := range root.at("configs").list() {
		section.each(func(t tree) {
			switch {
			case t.is("Listener"):
				listeners = append(listeners, t)
			case t.is("Cluster"):
				front.clusters[t.at("name").text()] = t
			case t.is("RouteConfiguration"):
				routes[t.at("name").text()] = t
			case t.is("TypedExtensionConfig"):
				extensions[t.at("name").text()] = t.at("typed_config")
			}
		})
		// A dump of the bootstrap alone has the static resources without types.
		if section.is("BootstrapConfigDump") && len(root.at("configs").list()) == 1 {
			static(section.at("bootstrap", "static_resources"))
		}
	}
	for _, listener := range listeners {
		listener.each(func(t tree) {
			if t.is("HttpConnectionManager") {
				front.managers = append(front.managers, newManager(listener, t, routes, extensions))
			}
		})
	}
	return front
}

func newManager(listener, config tree, routes, extensions map[string]tree) manager {
	m := manager{listener: listener.at("name").text(), config: config}
	if m.listener == "" {
		m.listener = "(unnamed)"
	}
	for _, one := range config.at("http_filters").list() {
		f := filter{name: one.at("name").text(), disabled: one.at("disabled").yes(), config: one.at("typed_config")}
		if one.at("config_discovery").there() {
			f.config = extensions[f.name]
		}
		m.filters = append(m.filters, f)
	}
	if inline := config.at("route_config"); inline.there() {
		m.routes = append(m.routes, inline)
	}
	if named, ok := routes[config.at("rds", "route_config_name").text()]; ok {
		m.routes = append(m.routes, named)
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		if config.at("scoped_routes").there() {
			m.routes = append(m.routes, routes[name])
		}
	}
	return m
}

// Examine applies every rule. apis are the APIs of the gate's configuration, nil
// when it was not given.
func (f *Front) Examine(apis []API) []Finding {
	var found []Finding
	everywhere := report{where: "the front", found: &found}
	if !slices.ContainsFunc(f.managers, manager.asksUs) {
		everywhere.add("no_ext_authz", Problem, "no HTTP filter asks an authorization service",
			"add envoy.filters.http.ext_authz with a grpc_service to the HTTP filters; `tollgate envoy print edge` shows one")
		return found
	}
	for _, m := range f.managers {
		place := report{where: "listener " + m.listener, found: &found}
		if !m.asksUs() {
			place.add("listener_unchecked", Warning, "its requests are not checked: it has no ext_authz filter",
				"add the filter, or make sure that nothing which needs a check can be reached here")
			continue
		}
		m.examine(place)
		for _, one := range m.filters {
			if !one.asksUs() {
				continue
			}
			examineFilter(place.at("filter "+one.name), one.config)
			f.examineCluster(place.at("filter "+one.name), one.config)
			m.examineRoutes(place, one, apis)
		}
	}
	return order(found)
}

func (m manager) asksUs() bool { return slices.ContainsFunc(m.filters, filter.asksUs) }
