// Package obs lets operators see the gate run: the log (log.go, scrub.go,
// decision.go), the metrics (metrics.go and the files that it names) and the
// metrics listener with its probes (serve.go). Obs implements authz.Observer.
//
// It decides nothing. Nothing here holds a token, a secret, a cookie or a query
// string, and should one of them arrive by mistake in an error or a panic, the
// log's last step takes it out (scrub.go).
//
// Every set of label values is bounded: by the configuration (api, key set), by
// the table of reasons, or by a number, with "other" for the rest.
package obs
