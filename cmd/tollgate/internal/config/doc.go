// Package config reads the configuration file: it says everything that is wrong
// with it at once, each with file, line and column, and turns what is right into
// settings and one authz.Spec. It decides nothing about requests, and what the
// parts of a Spec mean together (references, keys and algorithms, issuers) is
// judged by the engine's Compile: this package finds the place in the file.
//
// One description of the file, the Go types of file.go, file_listen.go,
// file_api.go and file_policy.go, serves decoding, environment variables, the
// JSON Schema and the reference in docs/configuration.md.
//
// In the order in which a file passes them:
//
//	source.go include.go   which files, and reading each as a whole
//	parse.go recognise.go  text to nodes with positions; whose file it is
//	shape.go tag.go        what the Go types allow
//	decode.go scalar.go    nodes to Go values; suggest.go: "did you mean"
//	environ.go             environment and flags over the file
//	feature.go             what this build does not have yet
//	listen.go pem.go       rules of the settings
//	value.go vault.go …    env://, file://, base64:, vault://, consul://
//	spec.go                Go values to authz.Spec
//	place.go problem.go    problems at their positions
//	reload.go watch.go     the same again whenever something changes
package config
