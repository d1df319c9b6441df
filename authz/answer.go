package authz

import "time"

// Outcome says what the front does with a request.
type Outcome uint8

// The outcomes. The zero value is Deny: an Answer that nobody filled refuses.
const (
	Deny     Outcome = iota // the client gets Status, Headers and Body
	Allow                   // the request goes on with Edits applied
	Observed                // as Allow; enforcing would have answered Reason
)

// String gives the name used in metadata, logs and metrics.
func (o Outcome) String() string {
	switch o {
	case Allow:
		return "allow"
	case Observed:
		return "observed"
	default:
		return "deny"
	}
}

// Answer is one decision in transport-free form. Slices and maps of an Answer
// may be shared between requests: they are read-only for the front.
type Answer struct {
	Outcome Outcome
	Reason  Reason // "" when nothing was wrong; with Observed what enforcing would have said
	ID      string // decision id; names the replica that made it

	// Edits change the request on its way upstream (Allow, Observed). A name
	// occurs at most once.
	Edits []Edit

	// Status, Headers and Body answer the client (Deny). On Allow and Observed
	// Headers are added to the upstream's response.
	Status  int
	Headers []Header
	Body    string

	// GRPC is the gRPC status code that a denial shows gRPC clients, 0 for the
	// front's own mapping. RetryAfter is set with rate_limited and quota_exceeded.
	GRPC       int
	RetryAfter time.Duration

	Metadata Metadata
}

// Edit is one change of the request: Remove, or overwrite with Value. The name
// is in lower case; ":path" overwrites the request target.
type Edit struct {
	Name   string
	Value  string
	Remove bool
}

// Header is one header line towards the client. Several lines may share a name
// only where Append is set.
type Header struct {
	Name   string
	Value  string
	Append bool
}

// Metadata is the dynamic metadata of a decision: flat strings that rate
// limiters, RBAC rules and access logs of the front can use. Empty values are
// left out by the front. It never holds a token.
type Metadata struct {
	Decision  string
	Outcome   string
	Reason    string // the exact code, also where the client sees token_invalid
	API       string
	Subject   string
	Session   string
	Policies  string // ids, joined by ","
	Limit     string
	Remaining string
	Degraded  string
	Config    string // generation of the snapshot that decided
}
