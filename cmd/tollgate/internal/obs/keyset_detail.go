package obs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// longestKid bounds what is shown of a kid: its provider chose it.
const longestKid = 80

// KeySetDetail tells in one line how a remote key set is doing: when it was
// fetched, what came, and why a key of it cannot be used.
func KeySetDetail(set *authz.KeySetState, now time.Time) string {
	parts := []string{set.Source + ", " + fetched(set, now)}
	for _, key := range set.Keys {
		parts = append(parts, KeyDetail(&key))
	}
	if set.LastError != "" {
		parts = append(parts, "last fetch: "+set.LastError)
	}
	return strings.Join(parts, "; ")
}

func fetched(set *authz.KeySetState, now time.Time) string {
	text := "never fetched"
	if !set.LastSuccess.IsZero() {
		text = "fetched " + now.Sub(set.LastSuccess).Round(time.Second).String() + " ago"
	}
	if !set.NextRefresh.IsZero() {
		text += ", next in " + max(0, set.NextRefresh.Sub(now)).Round(time.Second).String()
	}
	return text
}

// KeyDetail tells what one key of a set is, and why it cannot be used.
func KeyDetail(key *authz.KeyState) string {
	text := "no kid"
	if key.ID != "" {
		text = "kid " + kid(key.ID)
	}
	about := strings.TrimSuffix(strings.TrimPrefix(key.Type+", "+key.Alg, ", "), ", ")
	if about != "" {
		text += fmt.Sprintf(" (%s)", about)
	}
	if !key.Usable {
		text += " unusable: " + key.Why
	}
	return text
}

// kid shows the name of a key so that it cannot pass as something else.
func kid(id string) string {
	if len(id) > longestKid {
		id = id[:longestKid] + "…"
	}
	quoted := strconv.QuoteToASCII(id)
	if quoted == `"`+id+`"` && !strings.ContainsAny(id, " ;,()") {
		return id
	}
	return quoted
}
