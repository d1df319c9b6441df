package envoy

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// healthService answers grpc.health.v1 for "" and the check service. Both are
// NOT_SERVING until Ready and from the beginning of a drain on.
type healthService struct {
	*health.Server
	ended context.Context // its end ends every Watch: a drain waits for no spectator
}

func newHealth(ended context.Context) *healthService {
	h := &healthService{Server: health.NewServer(), ended: ended}
	h.set(healthv1.HealthCheckResponse_NOT_SERVING)
	return h
}

func (h *healthService) set(s healthv1.HealthCheckResponse_ServingStatus) {
	h.SetServingStatus("", s)
	h.SetServingStatus(ServiceName, s)
}

// Watch streams changes until the client or the server ends.
func (h *healthService) Watch(in *healthv1.HealthCheckRequest, stream grpc.ServerStreamingServer[healthv1.HealthCheckResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	defer context.AfterFunc(h.ended, cancel)()
	return h.Server.Watch(in, &watchStream{ServerStreamingServer: stream, ctx: ctx})
}

type watchStream struct {
	grpc.ServerStreamingServer[healthv1.HealthCheckResponse]
	ctx context.Context
}

// Context is the context that also ends with the server.
func (s *watchStream) Context() context.Context { return s.ctx }
