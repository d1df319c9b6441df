package policies

import "strconv"

// Route is a path pattern with methods, outside of any policy (public routes).
type Route struct {
	Methods []string
	Path    string
}

// Routes is a compiled list of routes.
type Routes struct {
	tree node
}

// CompileRoutes compiles routes by the rules of access entries. Pointers of
// problems are relative to the list ("/0/path").
func CompileRoutes(routes []Route) (*Routes, []Problem) {
	var (
		r   report
		out Routes
	)
	for i, route := range routes {
		at := "/" + strconv.Itoa(i)
		path, f := parsePattern(route.Path)
		if f != nil {
			r.fault(at+"/path", *f)
		}
		if r.methods(at+"/methods", route.Methods) && f == nil {
			out.tree.insert(path, rule{methods: route.Methods})
		}
	}
	return &out, r.sorted()
}

// Match reports whether a route fits. A nil Routes matches nothing. It does not
// allocate.
func (r *Routes) Match(method string, target Target) bool {
	if r == nil {
		return false
	}
	s := search{method: method, path: target.Path}
	s.from(&r.tree, target.Path, 0)
	return s.found.ok
}
