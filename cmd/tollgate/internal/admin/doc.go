// Package admin is the admin API: keys, usage, tokens, status, explain and
// decisions, one proto served as REST by an in-process gateway, and a
// Tyk-shaped /tyk/keys beside it.
//
// Every request is authenticated (auth.go), slowed down when it guesses
// (throttle.go), held against the permission of its method (permit.go: what is
// not in the table is refused) and written to the audit log (audit.go: who and
// what, never a secret). Only then does a service see it.
//
// The gRPC server behind the gateway has no listener: nothing but the gateway
// reaches it, so it trusts the caller that the gateway names.
package admin
