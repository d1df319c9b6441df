package authz

// Request is what a front tells about one HTTP request. It is a view: its
// methods look things up where they stand, nothing is copied into a map. Names
// of headers are asked for in lower case; pseudo-headers are not headers here.
// A Request is used by one goroutine and only until Decide returns.
type Request interface {
	// Line gives the request line and what the front says about the route.
	Line() Line
	// Header gives the nth line (from 0) of the header called name, and whether
	// there is one. Where the front joins repeated lines by a comma, line 0 is
	// the joined text.
	Header(name string, nth int) (value string, ok bool)
	// Names calls yield with every header name present, in lower case, until
	// yield returns false. A repeated header may be named more than once.
	Names(yield func(name string) bool)
}

// Line is the request line together with what the front adds from its own
// configuration (never from the client).
type Line struct {
	Method string // exactly as sent; CONNECT has an empty Target
	Scheme string
	Host   string // :authority, with port and in the client's spelling
	Target string // the request target as sent: path, and query from the first "?"

	API           string // context_extensions["api_id"]; counts only with HasAPI
	HasAPI        bool
	RequireScopes string // context_extensions["require_scopes"], space separated

	Principal     string // peer identity as the front verified it, "" without mTLS
	SourceAddress string // address of the downstream connection
	Malformed     bool   // the front's message lacked what a request must have
}
