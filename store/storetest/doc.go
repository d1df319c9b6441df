// Package storetest is the rules of package store as tests, and the real
// servers that tests of tollgate run against. Nothing but tests imports it.
//
// Order of the files: run.go (the rules, by role), kv.go, list.go, feed.go,
// stress.go; servers.go (finding and starting processes), redis.go, sentinel.go,
// cluster.go, tls.go (what is started), resp.go (talking to it without a client
// library).
package storetest
