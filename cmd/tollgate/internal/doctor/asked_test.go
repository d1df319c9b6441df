package doctor

import (
	"context"
	"log/slog"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// deciding answers every question alike, but for hosts that have an answer of
// their own.
type deciding map[string]authz.Answer

// Decide implements what the adapter asks.
func (d deciding) Decide(_ context.Context, r authz.Request) authz.Answer {
	if answer, ok := d[r.Line().Host]; ok {
		return answer
	}
	return refusal("")
}

func refusal(api string) authz.Answer {
	return authz.Answer{Status: 401, Metadata: authz.Metadata{Outcome: "deny", API: api}}
}

// port serves the answers on a gate that is ready, or not.
func port(t *testing.T, answers deciding, ready bool) *grpc.ClientConn {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	server := envoy.NewServer(envoy.New(answers, envoy.Options{Log: quiet}), envoy.Config{
		Listeners: []envoy.Listener{{Address: "127.0.0.1:0"}}, Log: quiet,
	})
	addresses, err := server.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ready {
		server.Ready()
	}
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	conn, err := grpc.NewClient("passthrough:///"+addresses[0].String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close() // nothing is left to lose
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return conn
}

func TestEveryMistakeOfACheckPortIsFound(t *testing.T) {
	good := deciding{"api.example.com": refusal("orders"), "doctor.example.com": refusal("billing")}
	with := func(host string, answer authz.Answer) deciding {
		all := deciding{host: answer}
		for name, one := range good {
			if name != host {
				all[name] = one
			}
		}
		return all
	}
	allowed := func(outcome authz.Outcome, api string) authz.Answer {
		return authz.Answer{Outcome: outcome, Metadata: authz.Metadata{Outcome: outcome.String(), API: api}}
	}
	for name, test := range map[string]struct {
		port  Port
		of    deciding
		unfit bool // it is not ready
		want  string
	}{
		"nothing":           {Port{Address: "127.0.0.1:9191"}, good, false, ""},
		"a public path":     {Port{Address: "localhost:9191"}, with("api.example.com", allowed(authz.Allow, "orders")), false, ""},
		"a socket":          {Port{Address: "unix:///run/gate.sock"}, good, false, ""},
		"over TLS":          {Port{Address: "gate.example.com:9191", Secure: true}, good, false, ""},
		"plaintext":         {Port{Address: "gate.example.com:9191"}, good, false, "warning check_plaintext without TLS"},
		"not ready":         {Port{Address: "127.0.0.1:9191"}, good, true, "problem not_serving NOT_SERVING"},
		"unmatched":         {Port{Address: "127.0.0.1:9191"}, with(nobodysHost, allowed(authz.Allow, "")), false, "warning unmatched_allowed match no API"},
		"no API":            {Port{Address: "127.0.0.1:9191"}, with("api.example.com", refusal("")), false, "problem other_api by no API"},
		"another API":       {Port{Address: "127.0.0.1:9191"}, with("doctor.example.com", refusal("orders")), false, "problem other_api by API orders"},
		"one that observes": {Port{Address: "127.0.0.1:9191"}, with("api.example.com", allowed(authz.Observed, "orders")), false, "warning observes every request"},
	} {
		t.Run(name, func(t *testing.T) {
			test.port.Conn = port(t, test.of, !test.unfit)
			expect(t, test.port.Ask(t.Context(), apis()), test.want)
		})
	}
}

// deaf is a connection whose health is good and whose checks fail.
type deaf struct{ *grpc.ClientConn }

// Invoke implements grpc.ClientConnInterface.
func (d deaf) Invoke(ctx context.Context, method string, in, out any, options ...grpc.CallOption) error {
	if method != "/grpc.health.v1.Health/Check" {
		method = "/nobody.Knows/This"
	}
	return d.ClientConn.Invoke(ctx, method, in, out, options...)
}

func TestAPortWhoseChecksFail(t *testing.T) {
	asked := Port{Address: "127.0.0.1:9191", Conn: deaf{port(t, deciding{}, true)}}
	expect(t, asked.Ask(t.Context(), nil), "problem check_fails Unimplemented")
}
