package redis

import (
	"fmt"

	"github.com/tollgate-authz/tollgate/store"
)

// CheckAddress is what is found without asking a server.
func CheckAddress(s *Store) []store.Finding { return s.checkAddress() }

// Flights is how many pipelines of counts are under way at once.
const Flights = mostFlights

// Waiting says whether so many flights are under way and counts are waiting.
func Waiting(s *Store, flights, counts int) error {
	s.lane.mu.Lock()
	defer s.lane.mu.Unlock()
	if s.lane.flying != flights || len(s.lane.waiting) != counts {
		return fmt.Errorf("%d flights, %d waiting", s.lane.flying, len(s.lane.waiting))
	}
	return nil
}
