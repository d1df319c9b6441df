package envoy

import "time"

// drain ends a server without failing a call: fronts are told first and still
// answered for a while, then every connection is asked to end after its last
// answer. What has not ended at the time-out is cut off.
func (s *Server) drain() {
	s.health.Shutdown()
	delay := time.NewTimer(s.config.DrainDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
	case <-s.health.ended.Done(): // Close was called
	}

	s.unwait()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.grpc.GracefulStop()
	}()
	limit := time.NewTimer(or(s.config.DrainTimeout, 25*time.Second))
	defer limit.Stop()
	select {
	case <-ended:
	case <-limit.C:
		s.log.Warn("drain", "cut_off", s.authz.Counts().InFlight)
		s.grpc.Stop() // a call that ignores even this ends with the process
	}
}
