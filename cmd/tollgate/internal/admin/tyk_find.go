package admin

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
)

func isUnknown(err error) bool { return errors.Is(err, credential.ErrUnknown) }

// find gives the key that the id of the path means: its own id, with the org before
// it or in Tyk's base64, its session id, or a TykJWTSessionID (contract section 6).
func (c *tykCall) find() (credential.Stored, string, error) {
	if c.registry == nil {
		return credential.Stored{}, "", credential.ErrUnknown
	}
	stored, err := c.byID()
	if isUnknown(err) && isSession(c.id) {
		stored, err = c.registry.GetSession(c.r.Context(), c.id)
	}
	if isUnknown(err) {
		stored, err = c.byTykSession()
	}
	if err != nil {
		return credential.Stored{}, "", err
	}
	return stored, stored.Session(), nil
}

// byID looks under every org that the id can belong to.
func (c *tykCall) byID() (credential.Stored, error) {
	var found credential.Stored
	for _, org := range c.orgs() {
		for _, id := range tykSpellings(org, c.id) {
			stored, err := c.registry.Get(c.r.Context(), org, id)
			switch {
			case isUnknown(err):
			case err != nil:
				return found, err
			case found.Credential != nil && found.Session() != stored.Session():
				return found, &tykFault{http.StatusBadRequest, "keys of several orgs have this id: add ?org_id="}
			default:
				found = stored
			}
		}
	}
	if found.Credential == nil {
		return found, credential.ErrUnknown
	}
	return found, nil
}

// orgs are those that a key can have: that of the query, else all there are.
func (c *tykCall) orgs() []string {
	if org := c.r.URL.Query().Get("org_id"); org != "" {
		return []string{org}
	}
	orgs := []string{""}
	if snap := c.parts.Engine.Snapshot(); snap != nil {
		for _, a := range snap.APIs() {
			orgs = append(orgs, a.Org)
		}
	}
	slices.Sort(orgs)
	return slices.Compact(orgs)
}

// tykSpellings are the ids that a text can mean within an org.
func tykSpellings(org, text string) []string {
	ids := []string{text}
	if rest, ok := strings.CutPrefix(text, org); ok && org != "" && rest != "" {
		ids = append(ids, rest)
	}
	if parts, ok := tykToken(text); ok && parts.Org == org && parts.ID != "" {
		ids = append(ids, parts.ID)
	}
	return ids
}

// tykParts is what Tyk's base64 ids hold.
type tykParts struct {
	Org string `json:"org"`
	ID  string `json:"id"`
	H   string `json:"h"`
}

func tykToken(text string) (tykParts, bool) {
	var parts tykParts
	if !strings.HasPrefix(text, "eyJ") {
		return parts, false
	}
	plain, err := base64.StdEncoding.DecodeString(text)
	return parts, err == nil && json.Unmarshal(plain, &parts) == nil
}

// byTykSession looks for the key whose TykJWTSessionID the text is. It is made from
// a hash of the id, so every key is looked at.
func (c *tykCall) byTykSession() (credential.Stored, error) {
	const hash = 32 // digits of the hash at the end
	function := ""
	if parts, ok := tykToken(c.id); ok {
		function = parts.H
	} else if len(c.id) < hash || strings.Trim(c.id[len(c.id)-hash:], "0123456789abcdef") != "" {
		return credential.Stored{}, credential.ErrUnknown
	}
	for cursor := ""; ; {
		page, err := c.registry.List(c.r.Context(), cursor)
		if err != nil {
			return credential.Stored{}, err
		}
		for _, stored := range page.Keys {
			if authz.TykSessionID(stored.Org, stored.ID, function) == c.id {
				return stored, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			return credential.Stored{}, credential.ErrUnknown
		}
	}
}
