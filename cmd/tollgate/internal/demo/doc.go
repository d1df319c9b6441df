// Package demo shows the gate at work on one machine: a toy issuer (issuer.go),
// an echo upstream (upstream.go), a real Envoy in front (front.go, find.go) and
// a tour (tour.go, steps.go) that sends a request for every answer it knows and
// checks each against what was expected. What a step needs besides, such as a key
// or the half of a token, it fetches first (errand.go).
//
// Nothing of it is for production: the issuer gives a token to whoever asks.
// Everything listens on loopback and ends with the process.
package demo
