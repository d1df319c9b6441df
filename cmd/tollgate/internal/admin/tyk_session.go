package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// seen are the sessions of tokens that the id of the path means, of those that
// this replica has seen.
func (c *tykCall) seen() []authz.TykSession { return c.parts.Engine.TykSessions(c.id) }

// computed shows the session of a token as Tyk shows it: nothing of it is stored,
// rights and limits are those that its policies give now.
func (c *tykCall) computed(s *authz.TykSession) map[string]any {
	doc := map[string]any{
		"org_id": s.Org, "alias": s.Identity, "apply_policies": orEmpty(s.Policies), "tags": []string{}, "is_inactive": false,
		"key_hash": s.ID, "expires": int64(0), "last_updated": strconv.FormatInt(s.Seen.Unix(), 10), "access_rights": map[string]tykRight{},
	}
	if !s.Expires.IsZero() {
		doc["expires"] = s.Expires.Unix()
	}
	meta := map[string]string{}
	if snap := c.parts.Engine.Snapshot(); snap != nil {
		grant, err := snap.Granted(s.Org, s.Policies)
		if err != nil { // its policies are gone, inactive or at odds
			doc["is_inactive"] = true
		} else {
			doc["tags"], doc["access_rights"] = orEmpty(grant.Tags()), c.rights(snap, s, grant)
			meta = grant.AllMeta()
		}
	}
	meta["TykJWTSessionID"] = s.Shown
	doc["meta_data"] = meta
	return doc
}

// tykRight is one entry of access_rights.
type tykRight struct {
	ID       string    `json:"api_id"`
	Name     string    `json:"api_name"`
	Versions []string  `json:"versions"`
	URLs     []tykURL  `json:"allowed_urls"`
	Limit    *tykLimit `json:"limit"`
}

// tykLimit is a rate and a quota; -1 is unlimited.
type tykLimit struct {
	Rate         float64 `json:"rate"`
	Per          float64 `json:"per"`
	QuotaMax     int64   `json:"quota_max"`
	QuotaRenewal int64   `json:"quota_renewal_rate"`
	Remaining    int64   `json:"quota_remaining"`
	Renews       int64   `json:"quota_renews"` // seconds since 1970; 0: not begun
}

// rights are what a grant opens, as Tyk writes it.
func (c *tykCall) rights(snap *authz.Snapshot, s *authz.TykSession, grant *policies.Grant) map[string]tykRight {
	rights, org, quotas := map[string]tykRight{}, s.Org, c.left(s.ID)
	specs := snap.Policies()
	for _, a := range snap.APIs() {
		on := grant.API(a.ID)
		if a.Org != org || on == nil {
			continue
		}
		right := tykRight{ID: a.ID, Name: a.Name, Versions: orEmpty(on.Versions()), URLs: []tykURL{}, Limit: limitOf(on, quotas)}
		for i := range specs {
			p := &specs[i]
			if p.Org != org && p.Org != "" || !slices.Contains(grant.Policies(), p.ID) {
				continue
			}
			list, _ := p.Grants(a.ID)
			for _, entry := range list {
				right.URLs = append(right.URLs, tykURL{URL: strings.TrimPrefix(entry.Path, "regex:"), Methods: entry.Methods})
			}
		}
		rights[a.ID] = right
	}
	return rights
}

func limitOf(on *policies.APIGrant, quotas []Limit) *tykLimit {
	l := &tykLimit{Rate: -1, QuotaMax: -1}
	rate, quota := on.Limits(policies.Scopes{})
	if rate != nil {
		l.Rate, l.Per = float64(rate.Rate.Requests), rate.Rate.Per.Seconds()
	}
	if quota != nil {
		l.QuotaMax, l.QuotaRenewal = quota.Quota.Requests, int64(quota.Quota.Per.Seconds())
		l.Remaining, l.Renews = remaining(quotas, l.QuotaMax)
	}
	return l
}

// end ends the sessions that an id means: those of tokens that this replica has
// seen under it, or the one that it names, which any replica may have seen.
func (c *tykCall) end() error {
	unknown := &tykFault{http.StatusNotFound, "There is no such key found"}
	if c.parts.Tokens == nil {
		return unknown
	}
	who, _ := c.r.Context().Value(callerKey{}).(Caller)
	var sessions []string
	for _, s := range c.seen() {
		sessions = append(sessions, s.ID)
	}
	if isSession(c.id) && !slices.Contains(sessions, c.id) {
		sessions = append(sessions, c.id)
	}
	if len(sessions) == 0 {
		return unknown
	}
	for _, id := range sessions {
		if err := c.parts.Tokens.RevokeSession(c.r.Context(), id, who.Name); err != nil {
			return err
		}
	}
	c.answer(tykDone{Key: c.id, Status: "ok", Action: "deleted", KeyHash: sessions[0]})
	return nil
}
