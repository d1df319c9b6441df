// Package doctor reads the configuration of an Envoy, as its admin interface
// dumps it or as a file says it, and finds known mistakes of a front that asks
// an authorization service; and it looks at what a running tollgate tells of itself
// and answers. Every finding says what to change.
//
//	read.go          a dump, from a file or an admin address
//	tree.go          looking into JSON without Envoy's types
//	front.go         what a dump holds: connection managers, filters, routes, clusters
//	finding.go       what is reported
//	filter.go        rules about the ext_authz filter itself
//	surroundings.go  rules about its connection manager: order, paths, headers
//	cluster.go       rules about the cluster that it asks
//	route.go         rules about routes, and about routes and APIs
//	running.go       what a running tollgate tells: metrics, readiness, status
//	asked.go         what it answers on listen.check
//
// It knows Envoy's fields by name only: a dump of a newer Envoy with fields that
// no rule looks at is read all the same.
package doctor
