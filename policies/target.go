package policies

// Target is a request target after the contract's stance on paths: what the
// access rules decide on, and the parts exactly as the client sent them.
type Target struct {
	// Path is the path for decisions: encoded unreserved characters are decoded
	// and the hex digits of the other escapes are upper case.
	Path string
	// Raw is the path as sent, up to the first "?".
	Raw string
	// Query is what follows the first "?", byte for byte. HasQuery tells "/a?"
	// from "/a".
	Query    string
	HasQuery bool
}

// MaxTarget is the longest request target in bytes (contract section 3, access).
const MaxTarget = 8192

// TargetError says why a request target is refused. It never holds bytes of the
// target, so it can stand in logs and explain steps.
type TargetError string

// Error gives the reason.
func (e TargetError) Error() string { return string(e) }

// ParseTarget reads a request target as sent. Every error is a TargetError and
// means request_malformed.
func ParseTarget(raw string) (Target, error) {
	return Target{}, TargetError("the target is not read yet")
}
