package policies

// Grant is what one combination of policies grants. It is immutable and shared
// between requests.
type Grant struct{}

// Policies gives the ids in order. They must not be changed.
func (g *Grant) Policies() []string { return nil }

// PoliciesText gives the ids joined by ",".
func (g *Grant) PoliciesText() string { return "" }

// Tags gives the united tags in order. They must not be changed.
func (g *Grant) Tags() []string { return nil }

// TagsText gives the tags joined by ",".
func (g *Grant) TagsText() string { return "" }

// Meta gives a metadata value; where several policies have one of that name, that
// of the smaller policy id.
func (g *Grant) Meta(name string) (string, bool) { return "", false }

// API gives what is granted on one API, nil when that is nothing. A nil APIGrant
// permits nothing.
func (g *Grant) API(id string) *APIGrant { return nil }

// APIGrant is what one combination of policies grants on one API. It is
// immutable and shared.
type APIGrant struct{}

// Permits decides one request. It does not allocate.
func (g *APIGrant) Permits(method string, target Target, scopes Scopes) Verdict {
	return Verdict{}
}

// Permission is the result of Permits. The zero value refuses.
type Permission uint8

// The permissions.
const (
	Refused      Permission = iota // access_refused
	Insufficient                   // scope_insufficient: an entry fits but needs more scopes
	Allowed
)

// Verdict is what the access rights say of one request.
type Verdict struct {
	Permission Permission
	// Needed are the scopes that the entry nearest to granting needs, in order
	// (Insufficient). They must not be changed.
	Needed []string
	// Rate and Quota govern the request (Allowed); nil is unlimited. Rate is that
	// of an access entry where one applies (most specific only).
	Rate  *Limit
	Quota *Limit
}

// CounterID is the identity of a counter within a session: equal for equal
// limits across reloads and replicas.
type CounterID [8]byte

// Limit is a rate or a quota together with the counter that it is charged on.
// Exactly one of Rate and Quota is set.
type Limit struct {
	Policy  string // id of the policy that it comes from
	API     string // "" counts over all APIs that the limit governs
	Entry   string // "GET,POST /orders" for a limit of an access entry, else ""
	Rate    *Rate
	Quota   *Quota
	Counter CounterID
}
