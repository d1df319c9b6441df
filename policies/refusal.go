package policies

import "strconv"

// MissingError means that neither claims nor defaults name a policy
// (policy_missing).
type MissingError struct{ Origin Origin }

// Error describes the refusal.
func (*MissingError) Error() string {
	return "the token names no policy and there is no default"
}

// UnknownError means that a policy does not exist in this org (policy_unknown).
type UnknownError struct {
	ID     string
	Origin Origin // what named it; where Tyk's habits count
}

// Error describes the refusal; the id is quoted and cut.
func (e *UnknownError) Error() string { return "policy " + shown(e.ID) + " does not exist" }

// InactiveError means that a policy is switched off (policy_inactive).
type InactiveError struct{ ID string }

// Error describes the refusal.
func (e *InactiveError) Error() string { return "policy " + shown(e.ID) + " is inactive" }

// ClaimError means that a claim that chooses policies is neither a text nor a
// list of texts, so that nobody can say which policies are meant
// (policy_unknown).
type ClaimError struct{ Claim string }

// Error describes the refusal.
func (e *ClaimError) Error() string {
	return "claim " + shown(e.Claim) + " must be a text or a list of texts"
}

// maxShown bounds how much of a client's text an error shows.
const maxShown = 64

// shown quotes a text that may come from a client.
func shown(text string) string {
	if len(text) > maxShown {
		return strconv.QuoteToASCII(text[:maxShown]) + "…"
	}
	return strconv.QuoteToASCII(text)
}
