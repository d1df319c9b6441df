package authz

import "time"

// denial is why a request is refused, with what its answer needs to know.
type denial struct {
	reason     Reason
	early      bool     // found before the token was authenticated
	split      bool     // the credential was a split token
	scopes     []string // those that are needed, with ScopeInsufficient
	tyk        string   // Tyk's words where they say more than the table
	tykStatus  int      // and its status, 0 for that of the table
	retryAfter time.Duration
	headers    []Header // of limits
	err        error    // the cause, of Internal and *_unavailable
}

// denied is the denial that is all reason.
func denied(reason Reason) *denial { return &denial{reason: reason} }
