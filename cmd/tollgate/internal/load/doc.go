// Package load drives checks at a service and measures what they cost.
//
//	mix.go        what is asked, and what every answer has to be
//	plan.go       how much is asked at once, how fast, for how long
//	target.go     who is asked: a gRPC server (wire.go) or an engine (direct.go)
//	drive.go      closed and open loop
//	histogram.go  latencies; cpu_linux.go what a process has used
//	compare.go    a service against the empty one (empty.go), interleaved
//	report.go     for people and machines
//
// Every answer is validated: a service that answers fast and wrong has no rate.
// In an open loop latency counts from the time at which a check was due, so that
// a service which stalls cannot hide the checks that had to wait.
package load
