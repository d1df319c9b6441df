package authz

// Rows is the table of reasons: what stands in answers, logs, metrics, explain
// and the docs.
func Rows() []Row {
	var table []Row
	for _, rows := range [][]line{requestRows(), tokenRows(), rightsRows()} {
		for _, l := range rows {
			table = append(table, Row{
				Reason: l.reason, Status: l.status, GRPC: grpcCode(l.status), Text: l.text, Hint: l.hint,
				Public: publicCode(l.reason), TykCode: l.tykStatus, TykText: l.tykText,
			})
		}
	}
	return table
}

// gRPC codes of Check answers (google.rpc.Code).
const (
	grpcInvalidArgument   = 3
	grpcNotFound          = 5
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnavailable       = 14
	grpcUnauthenticated   = 16
)

func grpcCode(status int) int {
	switch status {
	case 400:
		return grpcInvalidArgument
	case 401:
		return grpcUnauthenticated
	case 404:
		return grpcNotFound
	case 429:
		return grpcResourceExhausted
	case 503:
		return grpcUnavailable
	default:
		return grpcPermissionDenied
	}
}

// publicCode masks what is wrong before a token is authenticated, so that nobody
// can probe which keys and credentials exist (contract section 5, public reasons).
// The issuer before verification and a revoked split token depend on the case.
func publicCode(reason Reason) Reason {
	switch reason {
	case TokenMalformed, AlgRefused, KeyUnknown, SignatureInvalid,
		CredentialUnknown, CredentialInactive, CredentialExpired:
		return TokenInvalid
	default:
		return reason
	}
}

// line is a row of contract section 5 without what follows from it.
type line struct {
	reason    Reason
	status    int
	text      string
	tykStatus int
	tykText   string
	hint      string
}

// requestRows say what is wrong with the request and how it chooses an API.
func requestRows() []line {
	return []line{
		{
			RequestMalformed, 400, "Malformed request", 400, "Malformed request",
			"the request target or host is ambiguous, or it carries more than one credential; the front should normalise paths and refuse repeated Authorization headers",
		},
		{
			APIUnknown, 404, "No API matches this request", 404, "Not Found",
			"no API has this host and path, it is inactive, or the front names an api_id that the configuration lacks",
		},
		{
			TokenMissing, 401, "Authorization field missing", 400, "Authorization field missing",
			"the request carries no token where the API looks for it (token.header, token.query, token.cookie); the scheme Bearer is needed on Authorization",
		},
	}
}

// tokenRows say what is wrong with a credential and its claims.
func tokenRows() []line {
	return []line{
		{
			TokenMalformed, 401, "Key not authorized", 403, "Key not authorized",
			"the credential is no compact JWT: three base64url parts without padding, JSON without repeated members, at most token.max_bytes",
		},
		{
			KeyUnknown, 401, "Key not authorized", 403, "Key not authorized",
			"no key of the API has the token's kid; after a rotation the key set is asked again within its cool-down",
		},
		{
			SignatureInvalid, 401, "Key not authorized", 403, "Key not authorized",
			"the key that the token names did not make this signature",
		},
		{
			AlgRefused, 401, "Key not authorized: unexpected signing method", 403, "Key not authorized: Unexpected signing method",
			"the token's alg is not among the algorithms of the API or not usable with its keys",
		},
		{
			TokenUnknown, 401, "Invalid token", 401, "Invalid token",
			"no split token belongs to this credential, or it has ended",
		},
		{
			TokenRevoked, 401, "Invalid token", 401, "Invalid token",
			"the token, its session, subject, client or issuer was revoked",
		},
		{
			TokenExpired, 401, "Token has expired", 401, "Key not authorized: token has expired",
			"exp has passed; check the clocks and claims.skew.exp",
		},
		{
			TokenNotYetValid, 401, "Token is not valid yet", 401, "Key not authorized: token is not valid yet",
			"nbf lies ahead; check the clocks and claims.skew.nbf",
		},
		{
			TokenIssuedInFuture, 401, "Token used before issued", 401, "Key not authorized: token used before issued",
			"iat lies ahead; check the clocks and claims.skew.iat",
		},
		{
			IssuerRefused, 401, "Token issuer is not accepted", 401, "Key not authorized: invalid issuer claim",
			"iss is neither that of a key of the API nor in claims.issuers",
		},
		{
			AudienceRefused, 401, "Token audience is not accepted", 401, "Key not authorized: no matching audience found in token",
			"aud names none of claims.audiences",
		},
		{
			SubjectRefused, 401, "Token subject is not accepted", 401, "Key not authorized: invalid subject value",
			"sub is not in claims.subjects",
		},
		{
			ClaimMissing, 401, "A required claim is missing", 401, "Key not authorized: required claim is missing",
			"a claim of claims.require, or one that a rule needs, is not in the token",
		},
		{
			ClaimRefused, 401, "A claim has a value that is not accepted", 401, "Key not authorized: claim value does not match any expected values",
			"a rule of claims.rules or claims.typ refuses what the token says",
		},
	}
}

// rightsRows say what a good token may not do, and our own troubles.
func rightsRows() []line {
	return []line{
		{
			IdentityMissing, 403, "The token names no identity", 403, "no suitable claims for user ID were found",
			"none of the identity claims, nor sub, is a text of 1 to 1,024 bytes without control characters",
		},
		{
			CredentialUnknown, 403, "Unknown credential", 403, "Key not authorized",
			"the identity of the token names no credential",
		},
		{
			CredentialInactive, 403, "Credential is inactive", 403, "Key is inactive, please renew",
			"the credential was switched off",
		},
		{
			CredentialExpired, 403, "Credential has expired", 401, "Key has expired, please renew",
			"the credential has passed its expiry",
		},
		{
			PolicyMissing, 403, "Policy not found: the token names no policy and there is no default", 403, "key not authorized: no matching policy found",
			"neither policy claims nor mapped scopes name a policy and policies.default is empty",
		},
		{
			PolicyUnknown, 403, "Policy not found", 403, "key not authorized: no matching policy",
			"the token or the configuration names a policy that does not exist",
		},
		{
			PolicyInactive, 403, "Policy not found", 403, "Key is inactive, please renew",
			"a policy that the token needs is switched off",
		},
		{
			ScopeInsufficient, 403, "Insufficient scope", 403, "Insufficient scope",
			"the token lacks a scope that the policy, the access entry or the route requires",
		},
		{
			AccessRefused, 403, "Access to this resource has been disallowed", 403, "Access to this resource has been disallowed",
			"the policies of the token do not grant this method and path on this API",
		},
		{
			RateLimited, 429, "Rate limit exceeded", 429, "Rate Limit Exceeded",
			"the rate of the policy, access entry or API is used up",
		},
		{
			QuotaExceeded, 429, "Quota exceeded", 403, "Quota exceeded",
			"the quota of the policy is used up",
		},
		{
			KeysUnavailable, 503, "Temporarily unavailable", 503, "Temporarily unavailable",
			"the API has no usable keys: its key sets could not be fetched yet",
		},
		{
			StoreUnavailable, 503, "Temporarily unavailable", 503, "Temporarily unavailable",
			"the store did not answer in time and on_store_failure denies",
		},
		{
			RevocationStale, 503, "Temporarily unavailable", 503, "Temporarily unavailable",
			"the feed of revocations is older than revocation.stale_after",
		},
		{
			Internal, 503, "Temporarily unavailable", 503, "Temporarily unavailable",
			"a fault of this service; the log has the cause under the decision id",
		},
		{
			TokenInvalid, 401, "Key not authorized", 403, "Key not authorized",
			"what clients see instead of the exact code while answers.reasons is public",
		},
	}
}
