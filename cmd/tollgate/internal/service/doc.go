// Package service is one running gate: it reads the configuration, binds the
// listeners, makes the first snapshot, serves, reloads and drains. serve and demo
// both run it; it knows no flags and no signals.
//
//	service.go    the parts, from Open to the end of Serve
//	apply.go      a configuration becomes the live snapshot, or changes nothing
//	listeners.go  what the file says of listeners, as the parts want it
//	site.go       the HTTP listeners
//	ready.go      what /readyz and the metrics look at
package service
