// Package authz decides: a request and one immutable snapshot of configuration
// in, an answer with a reason out. It knows nothing of transports.
package authz
