// Package envoy stands between Envoy's ext_authz protocol and a decision.
//
// It decides nothing about a token: it turns a CheckRequest into the view that
// authz asks questions of, and an authz.Answer into the one CheckResponse that
// means the same to every Envoy. It also serves that over gRPC, with health,
// TLS, Unix sockets and a drain that loses no call.
//
// The order of the files is the way of one call: server.go (with listen.go,
// tls.go, health.go and drain.go) accepts it, check.go guards it, request.go
// reads it, response.go answers it. client.go asks such a server the way Envoy
// does. tune.go sets up the process.
//
// Envoy's generated messages are known to request.go and response.go only, so
// that another codec can take their place; a test keeps it so.
package envoy
