package authz

// Reason is the stable code of a denial: the same text in responses, logs,
// metrics, explain and the docs. A Reason is an error.
type Reason string

// The reason codes. Their statuses and texts stand in the table of reasons.go.
const (
	RequestMalformed    Reason = "request_malformed"
	APIUnknown          Reason = "api_unknown"
	TokenMissing        Reason = "token_missing"
	TokenMalformed      Reason = "token_malformed"
	KeyUnknown          Reason = "key_unknown"
	SignatureInvalid    Reason = "signature_invalid"
	AlgRefused          Reason = "alg_refused"
	TokenUnknown        Reason = "token_unknown"
	TokenRevoked        Reason = "token_revoked"
	TokenExpired        Reason = "token_expired"
	TokenNotYetValid    Reason = "token_not_yet_valid"
	TokenIssuedInFuture Reason = "token_issued_in_future"
	IssuerRefused       Reason = "issuer_refused"
	AudienceRefused     Reason = "audience_refused"
	SubjectRefused      Reason = "subject_refused"
	ClaimMissing        Reason = "claim_missing"
	ClaimRefused        Reason = "claim_refused"
	IdentityMissing     Reason = "identity_missing"
	CredentialUnknown   Reason = "credential_unknown"
	CredentialInactive  Reason = "credential_inactive"
	CredentialExpired   Reason = "credential_expired"
	PolicyMissing       Reason = "policy_missing"
	PolicyUnknown       Reason = "policy_unknown"
	PolicyInactive      Reason = "policy_inactive"
	ScopeInsufficient   Reason = "scope_insufficient"
	AccessRefused       Reason = "access_refused"
	RateLimited         Reason = "rate_limited"
	QuotaExceeded       Reason = "quota_exceeded"
	KeysUnavailable     Reason = "keys_unavailable"
	StoreUnavailable    Reason = "store_unavailable"
	RevocationStale     Reason = "revocation_stale"
	Internal            Reason = "internal"

	// TokenInvalid is the public face of everything that is wrong before a token
	// is authenticated (answers.reasons: public). No decision has it as reason.
	TokenInvalid Reason = "token_invalid"
)

// Error makes a Reason an error.
func (r Reason) Error() string { return string(r) }

// Row is what the table of reasons says of one code.
type Row struct {
	Reason  Reason
	Status  int    // HTTP status of the standard answer
	GRPC    int    // google.rpc code of the Check answer
	Text    string // text of the standard answer
	Hint    string // for operators: what usually causes it and where to look
	Public  Reason // code that clients see with answers.reasons: public
	TykCode int    // HTTP status in Tyk style
	TykText string // text in Tyk style
}
