package admin

import (
	"encoding/json"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/tollgate-authz/tollgate/authz/credential"
	adminv1 "github.com/tollgate-authz/tollgate/proto/tollgate/admin/v1"
)

// tykRights are the members of a session document that say what access, rate and
// quota of /v1 say in other words.
func tykRights() []string {
	return []string{"access_rights", "rate", "per", "quota_max", "quota_renewal_rate"}
}

// keepTyk keeps what a session document said of a key that is written through
// /v1, where no member says it. What a member says anew goes out of the document.
func keepTyk(c, old *credential.Credential) (lost []string) {
	was, is := ownOf(old), ownOf(c)
	same := proto.Equal(was, is)
	if same {
		// Rates of documents are counted in windows, which /v1 does not tell.
		c.Access, c.Rate, c.Quota, c.Tyk = old.Access, old.Rate, old.Quota, old.Tyk
	}
	var document map[string]json.RawMessage
	if len(old.Foreign) == 0 || json.Unmarshal(old.Foreign, &document) != nil {
		return nil
	}
	if !same {
		for _, name := range tykRights() {
			delete(document, name)
		}
		if old.Tyk != nil {
			lost = append(lost, "access, rate or quota is another: what its session document said of versions, and of limits of APIs and endpoints, is gone")
		}
	}
	if !maps.Equal(old.Meta, c.Meta) {
		delete(document, "meta_data")
	}
	if !same || !slices.Equal(old.Policies, c.Policies) {
		c.Tyk = nil // beside policies it stands for nothing
	}
	rest, err := json.Marshal(document)
	if err != nil { // it has been read before
		return lost
	}
	c.Foreign = rest
	return lost
}

// ownOf is what a key has of its own in the words of /v1.
func ownOf(c *credential.Credential) *adminv1.Key {
	k := keyOf(credential.Stored{Credential: c})
	return &adminv1.Key{Access: k.GetAccess(), Rate: k.GetRate(), Quota: k.GetQuota()}
}
