package authz

// Rows is the table of reasons: what stands in answers, logs, metrics, explain
// and the docs.
func Rows() []Row { return rows() }

// gRPC codes of Check answers (google.rpc.Code).
const (
	grpcInvalidArgument   = 3
	grpcNotFound          = 5
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

// rows makes the table: contract section 5, one row a code.
func rows() []Row {
	return []Row{
		{
			Reason: RequestMalformed, Status: 400, GRPC: grpcInvalidArgument, Public: RequestMalformed,
			Text:    "Malformed request",
			Hint:    "the request target or host is ambiguous, or it carries more than one credential; the front should normalise paths and refuse repeated Authorization headers",
			TykCode: 400, TykText: "Malformed request",
		},
		{
			Reason: APIUnknown, Status: 404, GRPC: grpcNotFound, Public: APIUnknown,
			Text:    "No API matches this request",
			Hint:    "no API has this host and path, it is inactive, or the front names an api_id that the configuration lacks",
			TykCode: 404, TykText: "Not Found",
		},
		{
			Reason: TokenMissing, Status: 401, GRPC: grpcUnauthenticated, Public: TokenMissing,
			Text:    "Authorization field missing",
			Hint:    "the request carries no token where the API looks for it (token.header, token.query, token.cookie); the scheme Bearer is needed on Authorization",
			TykCode: 400, TykText: "Authorization field missing",
		},
		{
			Reason: TokenMalformed, Status: 401, GRPC: grpcUnauthenticated, Public: TokenInvalid,
			Text:    "Key not authorized",
			Hint:    "the credential is no compact JWT: three base64url parts without padding, JSON without repeated members, at most token.max_bytes",
			TykCode: 403, TykText: "Key not authorized",
		},
		{
			Reason: KeyUnknown, Status: 401, GRPC: grpcUnauthenticated, Public: TokenInvalid,
			Text:    "Key not authorized",
			Hint:    "no key of the API has the token's kid; after a rotation the key set is asked again within its cool-down",
			TykCode: 403, TykText: "Key not authorized",
		},
		{
			Reason: SignatureInvalid, Status: 401, GRPC: grpcUnauthenticated, Public: TokenInvalid,
			Text:    "Key not authorized",
			Hint:    "the key that the token names did not make this signature",
			TykCode: 403, TykText: "Key not authorized",
		},
		{
			Reason: AlgRefused, Status: 401, GRPC: grpcUnauthenticated, Public: TokenInvalid,
			Text:    "Key not authorized: unexpected signing method",
			Hint:    "the token's alg is not among the algorithms of the API or not usable with its keys",
			TykCode: 403, TykText: "Key not authorized: Unexpected signing method",
		},
		{
			Reason: TokenUnknown, Status: 401, GRPC: grpcUnauthenticated, Public: TokenUnknown,
			Text:    "Invalid token",
			Hint:    "no split token belongs to this credential, or it has ended",
			TykCode: 401, TykText: "Invalid token",
		},
		{
			Reason: TokenRevoked, Status: 401, GRPC: grpcUnauthenticated, Public: TokenRevoked,
			Text:    "Invalid token",
			Hint:    "the token, its session, subject, client or issuer was revoked",
			TykCode: 401, TykText: "Invalid token",
		},
		{
			Reason: TokenExpired, Status: 401, GRPC: grpcUnauthenticated, Public: TokenExpired,
			Text:    "Token has expired",
			Hint:    "exp has passed; check the clocks and claims.skew.exp",
			TykCode: 401, TykText: "Key not authorized: token has expired",
		},
		{
			Reason: TokenNotYetValid, Status: 401, GRPC: grpcUnauthenticated, Public: TokenNotYetValid,
			Text:    "Token is not valid yet",
			Hint:    "nbf lies ahead; check the clocks and claims.skew.nbf",
			TykCode: 401, TykText: "Key not authorized: token is not valid yet",
		},
		{
			Reason: TokenIssuedInFuture, Status: 401, GRPC: grpcUnauthenticated, Public: TokenIssuedInFuture,
			Text:    "Token used before issued",
			Hint:    "iat lies ahead; check the clocks and claims.skew.iat",
			TykCode: 401, TykText: "Key not authorized: token used before issued",
		},
		{
			Reason: IssuerRefused, Status: 401, GRPC: grpcUnauthenticated, Public: IssuerRefused,
			Text:    "Token issuer is not accepted",
			Hint:    "iss is neither that of a key of the API nor in claims.issuers",
			TykCode: 401, TykText: "Key not authorized: invalid issuer claim",
		},
		{
			Reason: AudienceRefused, Status: 401, GRPC: grpcUnauthenticated, Public: AudienceRefused,
			Text:    "Token audience is not accepted",
			Hint:    "aud names none of claims.audiences",
			TykCode: 401, TykText: "Key not authorized: no matching audience found in token",
		},
		{
			Reason: SubjectRefused, Status: 401, GRPC: grpcUnauthenticated, Public: SubjectRefused,
			Text:    "Token subject is not accepted",
			Hint:    "sub is not in claims.subjects",
			TykCode: 401, TykText: "Key not authorized: invalid subject value",
		},
		{
			Reason: ClaimMissing, Status: 401, GRPC: grpcUnauthenticated, Public: ClaimMissing,
			Text:    "A required claim is missing",
			Hint:    "a claim of claims.require, or one that a rule needs, is not in the token",
			TykCode: 401, TykText: "Key not authorized: required claim is missing",
		},
		{
			Reason: ClaimRefused, Status: 401, GRPC: grpcUnauthenticated, Public: ClaimRefused,
			Text:    "A claim has a value that is not accepted",
			Hint:    "a rule of claims.rules or claims.typ refuses what the token says",
			TykCode: 401, TykText: "Key not authorized: claim value does not match any expected values",
		},
		{
			Reason: IdentityMissing, Status: 403, GRPC: grpcPermissionDenied, Public: IdentityMissing,
			Text:    "The token names no identity",
			Hint:    "none of the identity claims, nor sub, is a text of 1 to 1,024 bytes without control characters",
			TykCode: 403, TykText: "no suitable claims for user ID were found",
		},
		{
			Reason: CredentialUnknown, Status: 403, GRPC: grpcPermissionDenied, Public: TokenInvalid,
			Text:    "Unknown credential",
			Hint:    "the identity of the token names no credential",
			TykCode: 403, TykText: "Key not authorized",
		},
		{
			Reason: CredentialInactive, Status: 403, GRPC: grpcPermissionDenied, Public: TokenInvalid,
			Text:    "Credential is inactive",
			Hint:    "the credential was switched off",
			TykCode: 403, TykText: "Key is inactive, please renew",
		},
		{
			Reason: CredentialExpired, Status: 403, GRPC: grpcPermissionDenied, Public: TokenInvalid,
			Text:    "Credential has expired",
			Hint:    "the credential has passed its expiry",
			TykCode: 401, TykText: "Key has expired, please renew",
		},
		{
			Reason: PolicyMissing, Status: 403, GRPC: grpcPermissionDenied, Public: PolicyMissing,
			Text:    "Policy not found: the token names no policy and there is no default",
			Hint:    "neither policy claims nor mapped scopes name a policy and policies.default is empty",
			TykCode: 403, TykText: "key not authorized: no matching policy found",
		},
		{
			Reason: PolicyUnknown, Status: 403, GRPC: grpcPermissionDenied, Public: PolicyUnknown,
			Text:    "Policy not found",
			Hint:    "the token or the configuration names a policy that does not exist",
			TykCode: 403, TykText: "key not authorized: no matching policy",
		},
		{
			Reason: PolicyInactive, Status: 403, GRPC: grpcPermissionDenied, Public: PolicyInactive,
			Text:    "Policy not found",
			Hint:    "a policy that the token needs is switched off",
			TykCode: 403, TykText: "Key is inactive, please renew",
		},
		{
			Reason: ScopeInsufficient, Status: 403, GRPC: grpcPermissionDenied, Public: ScopeInsufficient,
			Text:    "Insufficient scope",
			Hint:    "the token lacks a scope that the policy, the access entry or the route requires",
			TykCode: 403, TykText: "Insufficient scope",
		},
		{
			Reason: AccessRefused, Status: 403, GRPC: grpcPermissionDenied, Public: AccessRefused,
			Text:    "Access to this resource has been disallowed",
			Hint:    "the policies of the token do not grant this method and path on this API",
			TykCode: 403, TykText: "Access to this resource has been disallowed",
		},
		{
			Reason: RateLimited, Status: 429, GRPC: grpcResourceExhausted, Public: RateLimited,
			Text:    "Rate limit exceeded",
			Hint:    "the rate of the policy, access entry or API is used up",
			TykCode: 429, TykText: "Rate Limit Exceeded",
		},
		{
			Reason: QuotaExceeded, Status: 429, GRPC: grpcResourceExhausted, Public: QuotaExceeded,
			Text:    "Quota exceeded",
			Hint:    "the quota of the policy is used up",
			TykCode: 403, TykText: "Quota exceeded",
		},
		{
			Reason: KeysUnavailable, Status: 503, GRPC: grpcUnavailable, Public: KeysUnavailable,
			Text:    "Temporarily unavailable",
			Hint:    "the API has no usable keys: its key sets could not be fetched yet",
			TykCode: 503, TykText: "Temporarily unavailable",
		},
		{
			Reason: StoreUnavailable, Status: 503, GRPC: grpcUnavailable, Public: StoreUnavailable,
			Text:    "Temporarily unavailable",
			Hint:    "the store did not answer in time and on_store_failure denies",
			TykCode: 503, TykText: "Temporarily unavailable",
		},
		{
			Reason: RevocationStale, Status: 503, GRPC: grpcUnavailable, Public: RevocationStale,
			Text:    "Temporarily unavailable",
			Hint:    "the feed of revocations is older than revocation.stale_after",
			TykCode: 503, TykText: "Temporarily unavailable",
		},
		{
			Reason: Internal, Status: 503, GRPC: grpcUnavailable, Public: Internal,
			Text:    "Temporarily unavailable",
			Hint:    "a fault of this service; the log has the cause under the decision id",
			TykCode: 503, TykText: "Temporarily unavailable",
		},
		{
			Reason: TokenInvalid, Status: 401, GRPC: grpcUnauthenticated, Public: TokenInvalid,
			Text:    "Key not authorized",
			Hint:    "what clients see instead of the exact code while answers.reasons is public",
			TykCode: 403, TykText: "Key not authorized",
		},
	}
}
