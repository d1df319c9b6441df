package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// Subject is a backend to be tested.
type Subject struct {
	// Open gives an empty backend; the test closes it.
	Open func(t *testing.T) store.Backend
	// Advance makes d pass for the backend's clock; nil waits for real time.
	Advance func(d time.Duration)
	// Workers and Rounds are the size of the stress tests; 0 is 16 and 50.
	Workers, Rounds int
	// Apart: two records cannot be counted on in one step.
	Apart bool
}

// Run tests every rule of package store.
func Run(t *testing.T, s Subject) {
	t.Helper()
	if s.Workers == 0 {
		s.Workers = 16
	}
	if s.Rounds == 0 {
		s.Rounds = 50
	}
	rules := []struct {
		name string
		rule func(*testing.T, Subject, store.Backend)
	}{
		{"reads what was written", readsWhatWasWritten},
		{"keeps the conditions of a write", keepsConditions},
		{"deletes", deletes},
		{"forgets what has expired", forgetsExpired},
		{"refuses what is out of bounds", refusesOutOfBounds},
		{"keeps strange ids apart", keepsStrangeIDsApart},
		{"lists by prefix", listsByPrefix},
		{"lists once what stays", listsOnceWhatStays},
		{"tells of events in order", tellsInOrder},
		{"replays from a position", replaysFromPosition},
		{"trims and says so", trimsAndSaysSo},
		{"keeps in contact", keepsInContact},
		{"loses no update under contention", losesNoUpdate},
		{"lets one creator win", letsOneCreatorWin},
		{"spreads events to all", spreadsToAll},
		{"ends calls with their context", endsWithContext},
		{"admits exactly a quota", admitsExactly},
		{"charges all limits or none", chargesAllOrNone},
		{"keeps counters apart", keepsCountersApart},
		{"looks without counting", looksWithoutCounting},
		{"resets and tops up", resetsAndTopsUp},
		{"renews at the instant", renewsAtTheInstant},
		{"takes from both or none", takesFromBothOrNone},
		{"admits exactly of both", admitsExactlyOfBoth},
		{"gives the record", givesTheRecord},
		{"is linearizable", isLinearizable},
		{"records nothing of refused requests", recordsNothingOfRefused},
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			b := s.Open(t)
			r.rule(t, s, b)
			if err := b.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	t.Run("answers unavailable once closed", func(t *testing.T) { closedIsUnavailable(t, s.Open(t)) })
}

// limit is how long a rule waits for what must happen at all.
const limit = 30 * time.Second

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func cred(id string) store.Key { return store.Key{Kind: store.KindCredential, ID: id} }
