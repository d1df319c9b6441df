package doctor

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/tollgate-authz/tollgate/envoy"
)

// Port is listen.check of a running tollgate.
type Port struct {
	Address string
	Conn    grpc.ClientConnInterface
	Secure  bool // it is asked over TLS
}

// askWithin is how long one question may take.
const askWithin = 5 * time.Second

// Ask asks as a front would, without any token, so that it has to be refused: about
// a host that nobody has, and about each of the APIs.
func (p *Port) Ask(ctx context.Context, apis []API) []Finding {
	var found []Finding
	out := report{where: "check " + p.Address, found: &found}
	if !p.Secure && !p.local() {
		out.add("check_plaintext", Warning, "tokens travel to this address without TLS", "set tls of listen.check")
	}
	health, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answer, err := grpc_health_v1.NewHealthClient(p.Conn).Check(health, &grpc_health_v1.HealthCheckRequest{})
	switch {
	case err != nil:
		return append(found, Unreachable(out.where, err)...)
	case answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING:
		out.add("not_serving", Problem, "its health is "+answer.GetStatus().String(), "wait until it is ready; a service that drains is about to end")
		return found
	}
	if got, ok := p.question(ctx, out, nobodysHost, "/"); ok && got.Allowed && got.Metadata["api"] == "" {
		out.add("unmatched_allowed", Warning, "requests that match no API pass", "leave insecure_unmatched at deny")
	}
	for _, api := range apis {
		p.askAbout(ctx, out.at("API "+api.ID), api)
	}
	return order(found)
}

// nobodysHost is a host that no configuration names (RFC 2606).
const nobodysHost = "doctor.invalid"

// askAbout asks about the hosts and paths of one API.
func (p *Port) askAbout(ctx context.Context, out report, api API) {
	for _, match := range api.Match {
		host, path := match.Host, match.Path
		switch {
		case host == "*":
			host = nobodysHost
		case strings.HasPrefix(host, "*."):
			host = "doctor" + host[1:]
		}
		if path == "" {
			path = "/"
		}
		got, ok := p.question(ctx, out, host, path)
		switch {
		case !ok:
		case got.Metadata["api"] != api.ID:
			out.add("other_api", Problem, "requests of host "+host+" at "+path+" are decided by "+named(got.Metadata["api"]),
				"roll the file out: the service runs another one")
		case got.Metadata["outcome"] == "observed":
			out.add("observes", Warning, "it lets every request through", "set mode: enforce once the log says what you expect")
		}
	}
}

func named(api string) string {
	if api == "" {
		return "no API"
	}
	return "API " + api
}

// question asks one question; ok is false where the call fails.
func (p *Port) question(ctx context.Context, out report, host, path string) (got *envoy.Verdict, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	got, err := envoy.NewClient(p.Conn).Check(ctx, &envoy.HTTP{Method: "GET", Scheme: "https", Host: host, Target: path, Raw: true})
	if err != nil {
		out.add("check_fails", Problem, "a check fails: "+err.Error(), "see whether this is listen.check of a tollgate")
		return nil, false
	}
	return got, true
}

// local says whether the address does not leave the machine.
func (p *Port) local() bool {
	host, _, err := net.SplitHostPort(p.Address)
	if strings.HasPrefix(p.Address, "unix:") || err != nil {
		return true
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
