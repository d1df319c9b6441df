package obs

// The attribute names of the log. They are part of what operators build on:
// docs/logging.md lists them.
const (
	keyDecision   = "decision"
	keyOutcome    = "outcome"
	keyReason     = "reason"
	keyAPI        = "api"
	keySubject    = "subject"
	keySession    = "session"
	keyPolicies   = "policies"
	keyMethod     = "method"
	keyPath       = "path"
	keyDegraded   = "degraded"
	keyGeneration = "generation"
	keyCached     = "cached"
	keyTook       = "took"
	keyError      = "error"
	keySuppressed = "suppressed"
)

// The messages of the log. They are constants, so that a search finds them all.
const (
	messageAllowed  = "allowed"
	messageDenied   = "denied"
	messageObserved = "observed"
)
