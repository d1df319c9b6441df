package admin

import (
	"errors"
	"slices"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/store"
)

// reset begins the counters of a key that was written or deleted anew, as Tyk
// does, unless the call or the definition of an API that it opens says otherwise.
func (c *tykCall) reset(stored *credential.Stored) (warnings []string) {
	snap := c.parts.Engine.Snapshot()
	if c.parts.Usage == nil || snap == nil || c.r.URL.Query().Get("suppress_reset") == "1" {
		return nil
	}
	if slices.ContainsFunc(snap.APIs(), func(a authz.APIInfo) bool {
		return a.KeepQuota && a.Org == stored.Org && c.opens(stored.Credential, a.ID)
	}) {
		return nil
	}
	err := c.parts.Usage.Reset(c.r.Context(), stored.Session())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return []string{"quota: its counters go on, for the store that counts cannot be asked"}
	}
	return nil
}

// left tells what is left of the quotas of a session.
func (c *tykCall) left(session string) []Limit {
	if c.parts.Usage == nil {
		return nil
	}
	all, err := c.parts.Usage.Read(c.r.Context(), session)
	if err != nil { // nothing was counted, or nobody knows
		return nil
	}
	return slices.DeleteFunc(all, func(l Limit) bool { return l.Kind != "quota" })
}

// remaining is what is left of one quota, and when it begins anew: all of it and 0
// where nothing was counted. Of several with its number the one with least left
// counts.
func remaining(quotas []Limit, most int64) (left, renews int64) {
	left = most
	for _, l := range quotas {
		if l.Limit == most && l.Remaining <= left {
			left, renews = l.Remaining, l.Reset.Unix()
		}
	}
	return left, renews
}
