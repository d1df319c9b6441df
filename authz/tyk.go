package authz

import (
	"crypto/md5" //nolint:gosec // names a session as Tyk does; nothing is protected by it
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// TykSessionID is the id that Tyk's gateway gives the session of an identity: the
// org and the MD5 of the identity, or with a hash function both as base64 of a
// JSON text. It is only shown (TykJWTSessionID); limits count under sessionID.
func TykSessionID(org, identity, function string) string {
	sum := md5.Sum([]byte(identity)) //nolint:gosec // see above
	return tykToken(org, hex.EncodeToString(sum[:]), function)
}

func tykToken(org, id, function string) string {
	if function == "" {
		return org + id
	}
	return base64.StdEncoding.EncodeToString([]byte(`{"org":"` + org + `","id":"` + id + `","h":"` + function + `"}`))
}

// tykKeyID gives the id of a credential in all spellings that Tyk has for it:
// the id itself, with the org before it, or both as base64 of a JSON text.
func tykKeyID(org, id string) string {
	if rest, ok := strings.CutPrefix(id, org); ok && org != "" && rest != "" {
		return rest
	}
	if !strings.HasPrefix(id, "eyJ") {
		return id
	}
	text, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return id
	}
	var parts struct {
		Org string `json:"org"`
		ID  string `json:"id"`
		H   string `json:"h"`
	}
	if json.Unmarshal(text, &parts) != nil || parts.Org != org || parts.ID == "" || tykToken(parts.Org, parts.ID, parts.H) != id {
		return id
	}
	return parts.ID
}

// refusedPolicy is the denial for an error of policies, with Tyk's words.
func refusedPolicy(err error) *denial {
	var (
		inactive *policies.InactiveError
		missing  *policies.MissingError
		unknown  *policies.UnknownError
	)
	switch {
	case errors.As(err, &inactive):
		return denied(PolicyInactive)
	case errors.As(err, &missing):
		why := denied(PolicyMissing)
		if missing.Origin == policies.FromScopes {
			why.tyk = "key not authorized: no matching policy found in scope claim"
		}
		return why
	case errors.As(err, &unknown):
		why := denied(PolicyUnknown)
		if unknown.Origin == policies.FromScopes {
			why.tyk = errTykSeveral
		}
		return why
	}
	return denied(PolicyUnknown)
}

const errTykSeveral = "key not authorized: could not apply several policies"

// conflicting is the denial where policies of Tyk's files cannot be applied.
func conflicting(conflict *policies.ConflictError, from policies.Origin) *denial {
	why := &denial{reason: PolicyUnknown, tyk: "failed to create key: " + conflict.Text, tykStatus: 500}
	if from == policies.FromScopes {
		why.tyk, why.tykStatus = errTykSeveral, 0
	}
	return why
}

// flatTexts gives the texts of an array and of the arrays within it.
func flatTexts(out []string, v jws.Value, depth int) []string {
	const deepest = 32
	for item := range v.Items() {
		switch {
		case item.Kind() == jws.String:
			out = append(out, item.Text())
		case item.Kind() == jws.Array && depth < deepest:
			out = flatTexts(out, item, depth+1)
		}
	}
	return out
}
