package service

import (
	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
)

// conditions is what /readyz looks at (contract section 6).
func (s *Service) conditions() []obs.Condition {
	snapshot := s.engine.Snapshot()
	all := []obs.Condition{{Name: "configuration", OK: snapshot != nil}}
	if snapshot == nil {
		all[0].Detail = "key sources are being tried"
		return all
	}
	all = append(all, obs.Condition{Name: "serving", OK: !s.draining.Load(), Detail: detail(s.draining.Load(), "draining")})
	for _, set := range snapshot.KeySets() {
		all = append(all, obs.Condition{
			Name: "keys of " + set.API, OK: set.Ready, Advisory: true,
			Detail: obs.KeySetDetail(&set, s.options.Now()),
		})
	}
	return all
}

func detail(show bool, text string) string {
	if show {
		return text
	}
	return ""
}

// keySets is what the metrics show of remote key sets.
func (s *Service) keySets() []obs.KeySet {
	snapshot := s.engine.Snapshot()
	if snapshot == nil {
		return nil
	}
	var shown []obs.KeySet
	for _, set := range snapshot.KeySets() {
		shown = append(shown, keySet(set))
	}
	return shown
}

func keySet(set authz.KeySetState) obs.KeySet {
	shown := obs.KeySet{
		Name: set.Source, Fetched: set.LastSuccess, Next: set.NextRefresh, Failing: set.LastError != "",
		Fetches: set.Fetches, Failures: set.Failures,
	}
	for _, key := range set.Keys {
		if key.Usable {
			shown.Keys++
		} else {
			shown.Unusable++
		}
	}
	return shown
}
