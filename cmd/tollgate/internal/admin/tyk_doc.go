package admin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
	"github.com/tollgate-authz/tollgate/policies"
)

// tykMask stands for a secret in answers. A script that gets a document, edits it
// and puts it back sends it along.
const tykMask = "[masked]"

// hashMost is the longest hash of the HMAC algorithms: a shorter secret verifies,
// as it does in Tyk.
const hashMost = 64

// tykDocument is a session document that was read.
type tykDocument struct {
	*tyk.Session
	raw  []byte
	snap *authz.Snapshot
}

// read reads the document of a call.
func (c *tykCall) read() (*tykDocument, error) {
	snap := c.parts.Engine.Snapshot()
	if snap == nil {
		return nil, &tykFault{http.StatusServiceUnavailable, "no configuration is loaded yet"}
	}
	doc, err := c.body()
	if err != nil {
		return nil, err
	}
	o := tyk.SessionOptions{Legacy: map[string]bool{}, Listen: map[string]string{}, Also: map[string][]string{}}
	for _, a := range snap.APIs() {
		if len(a.Match) > 0 {
			o.Listen[a.ID] = strings.TrimSuffix(a.Match[0].Path, "/")
		}
		o.Legacy[a.ID], o.Also[a.ID] = a.Paths.Legacy, a.Paths.Also
	}
	session, err := tyk.ReadSession(doc, o)
	if err != nil {
		return nil, err
	}
	return &tykDocument{Session: session, raw: doc, snap: snap}, nil
}

func tykSecret(text string) credential.Secret {
	if strings.Contains(text, "-----BEGIN ") {
		return credential.Secret{Kind: credential.PublicKey, Material: []byte(text)}
	}
	return credential.Secret{Kind: credential.HMAC, Material: []byte(text), Short: len(text) < hashMost}
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

// key is the key that a document describes, without id, secrets and expiry.
func (c *tykCall) key(d *tykDocument) (*credential.Credential, error) {
	if len(d.Policies) == 0 && len(d.Own.Access) == 0 {
		return nil, &tykFault{http.StatusBadRequest, "Failed to create key, keys must have at least one Access Rights record set."}
	}
	org, err := d.org()
	if err != nil {
		return nil, err
	}
	k := &credential.Credential{
		Org: org, Alias: d.Alias, Inactive: d.Inactive, Policies: d.Policies, Tags: d.Tags, Meta: d.Meta,
		Access: d.Own.Access, Rate: d.Own.Rate, Quota: d.Own.Quota, Tyk: d.Tyk,
	}
	if err := c.known(k); err != nil {
		return nil, &tykFault{http.StatusBadRequest, "Failed to create key - " + status.Convert(err).Message()}
	}
	d.yield(k)
	k.Foreign = withoutSecret(d.raw)
	return k, nil
}

// yield lets the policies of a key stand over what it has of its own, as in Tyk:
// what a script got together with them must not widen them.
func (d *tykDocument) yield(k *credential.Credential) {
	rights, rate, quota := false, false, false
	for _, p := range d.snap.Policies() {
		if !slices.Contains(k.Policies, p.ID) || (p.Org != "" && p.Org != k.Org) {
			continue
		}
		takes := partsOf(&p)
		rights, rate, quota = rights || takes.rights, rate || takes.rate, quota || takes.quota
	}
	say := func(field string) {
		d.Warnings = append(d.Warnings, field+": those of its policies count, not the document's own")
	}
	if rights && len(k.Access) > 0 {
		k.Access = nil
		say("access_rights")
	}
	if rate && k.Rate != nil {
		k.Rate = nil
		say("rate")
	}
	if quota && k.Quota != nil {
		k.Quota = nil
		say("quota_max")
	}
}

type policyParts struct{ rights, rate, quota bool }

// partsOf says what a policy decides for the keys that have it.
func partsOf(p *policies.Spec) policyParts {
	if t := p.Tyk; t != nil {
		whole := !t.ACL && !t.Quota && !t.RateLimit && !t.Complexity
		return policyParts{rights: whole || t.ACL, rate: whole || t.RateLimit, quota: whole || t.Quota}
	}
	return policyParts{rights: len(p.Access) > 0, rate: p.Rate != nil, quota: p.Quota != nil}
}

// org is the org of the key: the one that the document names, where an API has it.
func (d *tykDocument) org() (string, error) {
	var orgs []string
	for _, a := range d.snap.APIs() {
		granted := slices.ContainsFunc(d.Own.Access, func(own policies.AccessSpec) bool { return own.API == a.ID })
		if d.Session.Org == "" && granted {
			return a.Org, nil // as Tyk: that of the APIs it opens
		}
		orgs = append(orgs, a.Org)
	}
	slices.Sort(orgs)
	orgs = slices.Compact(orgs)
	switch {
	case slices.Contains(orgs, d.Session.Org):
		return d.Session.Org, nil
	case len(orgs) == 1 && d.Session.Org == "":
		return orgs[0], nil
	case len(orgs) == 1 && orgs[0] == "":
		d.Warnings = append(d.Warnings, "org_id: no API has an org, so neither has the key")
		return "", nil
	}
	return "", &tykFault{http.StatusBadRequest, "Failed to create key - no API has this org_id"}
}

// withoutSecret is a document without the members that are kept apart.
func withoutSecret(doc []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(doc, &members) != nil { // it has been read before
		return nil
	}
	for name := range members {
		// Whatever its case: a misspelt jwt_data must not be shown to readers.
		if slices.ContainsFunc(tykOwn(), func(own string) bool { return strings.EqualFold(own, name) }) {
			delete(members, name)
		}
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return rest
}

// tykOwn are the members that are made from the key itself.
func tykOwn() []string {
	return []string{
		"jwt_data", "org_id", "alias", "apply_policies", "apply_policy_id", "expires", "is_inactive", "tags",
		"date_created", "last_updated", "basic_auth_data", "hmac_string",
	}
}
