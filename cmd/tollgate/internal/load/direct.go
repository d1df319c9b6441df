package load

import (
	"context"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Decider decides about one request, as authz.Engine does.
type Decider interface {
	Decide(ctx context.Context, r authz.Request) authz.Answer
}

// Direct is an engine in this process, asked without gRPC. Its processor time is
// that of this process: the driver's is in it.
func Direct(name string, d Decider) Target {
	return Target{
		Name:    name,
		Connect: func(context.Context) (Asker, error) { return direct{d}, nil },
		CPU:     func() (time.Duration, error) { return cpuOf(0) },
	}
}

type direct struct{ decider Decider }

// Ask decides once.
func (d direct) Ask(ctx context.Context, s *Shot) (string, error) {
	answer := d.decider.Decide(ctx, view{s.HTTP})
	return s.judge(answer.Outcome != authz.Deny, string(answer.Reason), answer.Metadata.Subject), nil
}

// Close has nothing to close.
func (direct) Close() error { return nil }

// view is a described request as the engine looks at it.
type view struct{ *envoy.HTTP }

// Line gives the request line.
func (v view) Line() authz.Line {
	api, has := v.Extensions["api_id"]
	return authz.Line{Method: v.Method, Scheme: v.Scheme, Host: v.Host, Target: v.Target, API: api, HasAPI: has}
}

// Header gives the nth line of a header.
func (v view) Header(name string, nth int) (string, bool) {
	for _, field := range v.Headers {
		if field.Name != name {
			continue
		}
		if nth == 0 {
			return field.Value, true
		}
		nth--
	}
	return "", false
}

// Names tells every header.
func (v view) Names(yield func(string) bool) {
	for _, field := range v.Headers {
		if !yield(field.Name) {
			return
		}
	}
}
