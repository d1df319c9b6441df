package tyk

import (
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// definition is one API definition in the one meaning that both spellings have.
// Values keep their places, so that what is found later can be told there.
type definition struct {
	at      value // the whole definition
	classic bool
	id      value
	name    string
	org     string
	domain  value
	listen  value
	active  bool

	kind   string // why it is no JWT API; "" for one
	kindAt value

	method      value // signing method
	source      value
	jwks        []jwksURI
	jwksIgnored bool // Classic: they only switch the flow

	subjects     []value // identity claims in order
	allowedSubs  value
	skipKid      bool
	clientField  value
	function     string // hash_key_function
	reference    string // that source holds
	policyClaims []value
	defaults     []value
	scopeNames   []value
	scopeMap     []scopeRule

	issuers, audiences value
	jti                value
	rules              []claimRule

	skewExp, skewIat, skewNbf value
	offExp, offIat, offNbf    value

	location location
	strip    bool

	context   bool // context variables
	inject    []headerValue
	remove    []value
	rate      apiRate
	skipRate  value
	skipQuota value
	keepQuota bool // counters of keys stay when documents write them
	versions  *authz.TykVersions
	siblings  []value // ids of the definitions of other versions
	internal  bool    // reached through another definition only
	// versionStripped says that rights are asked without the version in the path.
	versionStripped bool
	ignored         []value
}

// jwksURI is one key set of a definition.
type jwksURI struct {
	url     value
	timeout time.Duration
}

// scopeRule maps one scope to a policy.
type scopeRule struct {
	scope  string
	policy value
}

// claimRule is one custom claim rule.
type claimRule struct {
	claim       string
	at          value
	kind        value
	allowed     []value
	nonBlocking bool
}

// location is where the token stands.
type location struct {
	headerOff   bool
	header      string
	queryOn     bool
	query       string
	cookieOn    bool
	cookie      string
	at          value
	nothingIsOn bool
}

// headerValue is one injected request header.
type headerValue struct {
	name  string
	value string
	at    value
}

// apiRate is the limit of an API over all its callers.
type apiRate struct {
	at        value
	rate, per float64
	off       bool
}

// defaultHeader is where tokens stand unless a definition says so.
const defaultHeader = "Authorization"

// names gives the places by Tyk's rules of default names: a query parameter or a
// cookie without a name has that of the header, when that is on and named, else
// Authorization.
func (l *location) names() {
	fallback := defaultHeader
	if !l.headerOff && l.header != "" {
		fallback = l.header
	}
	if l.header == "" {
		l.header = defaultHeader
	}
	if l.query == "" {
		l.query = fallback
	}
	if l.cookie == "" {
		l.cookie = fallback
	}
	l.nothingIsOn = l.headerOff && !l.queryOn && !l.cookieOn
}
