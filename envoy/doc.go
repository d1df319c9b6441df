// Package envoy stands between Envoy's ext_authz protocol and a decision.
//
// It decides nothing about a token: it turns a CheckRequest into the view that
// authz asks questions of, and an authz.Answer into the one CheckResponse that
// means the same to every Envoy. It also serves that over gRPC, with health,
// TLS, Unix sockets and a drain that loses no call.
//
// The order of the files is the way of one call: server.go (with listen.go,
// tls.go, health.go and drain.go) accepts it, check.go guards it, codec.go takes
// its bytes, scan.go reads them by schema.go, view.go answers the engine's
// questions, sift.go takes out of the answer what may not leave, encode.go writes
// it. client.go asks such a server the way Envoy does. tune.go sets up the process.
//
// Envoy's generated messages are known to request.go and response.go only; a test
// keeps it so. They serve whoever calls Register, read what nests too deep for the
// codec, and are what the tests hold the codec against.
package envoy
