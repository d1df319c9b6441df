package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/policies"
)

// get shows a key, or the session of a token that this replica has seen.
func (c *tykCall) get() error {
	stored, _, err := c.find()
	if isUnknown(err) {
		if seen := c.seen(); len(seen) > 0 {
			c.answer(c.computed(&seen[0]))
			return nil
		}
		return &tykFault{http.StatusNotFound, "Key not found"}
	}
	if err != nil {
		return err
	}
	doc := sessionDocument(&stored)
	if q := stored.Quota; q != nil && q.Requests > 0 {
		doc["quota_remaining"], doc["quota_renews"] = remaining(c.left(stored.Session()), q.Requests)
	}
	c.answer(doc)
	return nil
}

// sessionDocument is a key as Tyk shows it; its secret is masked.
func sessionDocument(s *credential.Stored) map[string]any {
	doc := map[string]any{}
	nativeDocument(doc, s.Credential)
	var kept map[string]json.RawMessage
	if len(s.Foreign) > 0 && json.Unmarshal(s.Foreign, &kept) == nil {
		for name, v := range kept {
			doc[name] = v
		}
	}
	doc["jwt_data"] = map[string]string{"secret": tykMask}
	doc["org_id"], doc["alias"], doc["is_inactive"] = s.Org, s.Alias, s.Inactive
	doc["apply_policies"], doc["tags"] = orEmpty(s.Policies), orEmpty(s.Tags)
	doc["date_created"], doc["last_updated"] = s.Created.UTC(), strconv.FormatInt(s.Updated.Unix(), 10)
	doc["expires"] = int64(0)
	if !s.Expires.IsZero() {
		doc["expires"] = s.Expires.Unix()
	}
	return doc
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// tykURL is one entry of allowed_urls.
type tykURL struct {
	URL     string   `json:"url"`
	Methods []string `json:"methods"`
}

// nativeDocument says in Tyk's members what a key that no Tyk document made has of
// its own.
func nativeDocument(doc map[string]any, k *credential.Credential) {
	doc["meta_data"] = k.Meta
	rights := map[string]any{}
	for _, a := range k.Access {
		urls := []tykURL{}
		for _, entry := range a.Allow {
			urls = append(urls, tykURL{URL: strings.TrimPrefix(entry.Path, "regex:"), Methods: entry.Methods})
		}
		rights[a.API] = map[string]any{"api_id": a.API, "allowed_urls": urls}
	}
	doc["access_rights"] = rights
	if k.Rate != nil {
		doc["rate"], doc["per"] = k.Rate.Requests, k.Rate.Per.Seconds()
	}
	if k.Quota != nil {
		doc["quota_max"], doc["quota_renewal_rate"] = k.Quota.Requests, int64(k.Quota.Per.Seconds())
	}
}

// list streams the ids of all keys. filter is the beginning of an id, api_id an API
// that the key opens.
func (c *tykCall) list() error {
	begin, api := c.r.URL.Query().Get("filter"), c.r.URL.Query().Get("api_id")
	ctx, cursor, first := c.r.Context(), "", true
	for {
		page, err := c.registry.List(ctx, cursor)
		switch {
		case err != nil && first:
			return err
		case err != nil:
			panic(http.ErrAbortHandler) // half a list must not look like a whole one
		}
		var text strings.Builder
		if cursor == "" {
			c.w.Header().Set("Content-Type", "application/json")
			text.WriteString(`{"keys":[`)
		}
		for _, stored := range page.Keys {
			if !strings.HasPrefix(stored.ID, begin) || (api != "" && !c.opens(stored.Credential, api)) {
				continue
			}
			id, err := json.Marshal(stored.ID)
			if err != nil {
				continue // a string is always one
			}
			if !first {
				text.WriteByte(',')
			}
			first = false
			text.Write(id)
		}
		if cursor = page.Next; cursor == "" {
			text.WriteString("]}\n")
		}
		if _, err := c.w.Write([]byte(text.String())); err != nil || cursor == "" {
			return nil //nolint:nilerr // the client has gone
		}
	}
}

// opens says whether a key has rights on an API.
func (c *tykCall) opens(k *credential.Credential, api string) bool {
	on := func(a policies.AccessSpec) bool { return a.API == api }
	if slices.ContainsFunc(k.Access, on) {
		return true
	}
	snap := c.parts.Engine.Snapshot()
	if snap == nil {
		return false
	}
	return slices.ContainsFunc(snap.Policies(), func(p policies.Spec) bool {
		if !slices.Contains(k.Policies, p.ID) || (p.Org != "" && p.Org != k.Org) {
			return false
		}
		return slices.ContainsFunc(p.Access, on) ||
			p.Tyk != nil && slices.ContainsFunc(p.Tyk.Access, func(a policies.TykAccess) bool { return a.API == api })
	})
}
