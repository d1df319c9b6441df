// Package cases runs case files (*.case.yaml): a configuration, requests with
// tokens that are minted on the fly, and what has to come of them. It is what
// `tollgate test` runs for users, and what the behaviour of this project is
// tested with: the same file through every surface that answers.
//
//	file.go     the format, as docs/cases.md describes it
//	read.go     strict reading: every mistake with its position (strict.go)
//	time.go     exp: +1h
//	key.go      throw-away keys, and the values of a configuration they stand for
//	stage.go    the configuration as files of its own (splice.go)
//	state.go    what a store holds (keep.go)
//	mint.go     tokens; target.go: requests
//	surface.go  what answers a request (engine.go, wire.go, command.go,
//	            explain.go, remote.go)
//	differ.go   what was expected against what came
//	run.go      all cases of all files; report.go tells
//
// Nothing here is reachable from a request to the service.
package cases
