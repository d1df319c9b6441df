// Package service is one running gate: it reads the configuration, binds the
// listeners, makes the first snapshot, serves, reloads and drains. serve and demo
// both run it; it knows no flags and no signals.
//
//	service.go    the parts, from Open to the end of Serve
//	apply.go      a configuration becomes the live snapshot, or changes nothing
//	listeners.go  what the file says of listeners, as the parts want it
//	storage.go    the store that a configuration names, opened
//	keep.go       when it is opened, and what is kept in it
//	checker.go    engines for commands that serve nobody
//	offline.go    the admin API without a service
//	halves.go     split tokens without a service
//	admin.go      the admin API's view of all this
//	public.go     what clients reach, as the configuration says it now
//	issued.go     tokens as the public listener and the admin API see them
//	site.go       the HTTP listeners
//	ready.go      what /readyz and the metrics look at
package service
