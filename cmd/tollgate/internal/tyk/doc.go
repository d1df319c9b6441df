// Package tyk turns Tyk's own files, as they are, into native specifications:
// Classic and OAS API definitions, policies and tyk.conf.
//
// It decides nothing at run time. Every field of a file that concerns JWT
// authentication, rights or limits is honoured, reported at its position in the
// file's own spelling, or inert by design; fields.yaml says which, and a test
// holds the code to it.
//
// Order of the files: recognise.go (which kind of file), value.go (values with
// positions), finding.go (what is told), conf.go, definition.go with classic.go
// and oas.go (one meaning, two spellings), source.go (keys), match.go, token.go,
// claims.go, inject.go (parts of an API), policy.go, rights.go and limits.go
// (policies), load.go (all files together).
package tyk
