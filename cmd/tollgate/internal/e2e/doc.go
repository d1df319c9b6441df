// Package e2e holds the end-to-end tests: a built tollgate as a child process, a
// real Envoy in front of it, and an upstream that tells what really reached it.
// It has no code of its own beside tests.
//
// world_test.go puts the parts together, client_test.go speaks raw HTTP/1 to
// Envoy, upstream_test.go records. Every other file asks one question of the
// whole: what does the upstream get, what does the client get, and what happens
// when a part is away.
package e2e

//go:generate go test -run ^TestComposedBootstrap$ -update .
