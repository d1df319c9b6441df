package keyset

// Binding is what the configuration says about static keys.
type Binding struct {
	Issuer string // exact issuer, "" for any
	ID     string // kid, with HasID; overrides what a single JWK says
	HasID  bool
	Source string // for explain and errors, such as "pem" or a path; no secret
	// ShortSecret allows HMAC secrets shorter than their hash
	// (insecure_short_secret).
	ShortSecret bool
}

// Unusable is one key of a document that cannot verify anything, and why.
type Unusable struct {
	Index int    // position in the document, from 0
	ID    string // kid, "" when there is none
	Why   string // fixed text, or a fixed text with a type name of the document
}

// NewSecret makes a key of an HMAC secret.
func NewSecret(secret []byte, b Binding) (*Key, error) { return nil, ErrUnknown }

// ParsePEM reads one public key or certificate: PEM (PKIX, PKCS#1, certificate,
// EC), DER of the same, or base64 of either. A private key is refused with the
// command that extracts the public half.
func ParsePEM(data []byte, b Binding) (*Key, error) { return nil, ErrUnknown }

// ParseJWK reads a JWK or a JWK Set of a local file, or base64 of either. Keys
// that cannot verify are reported one by one; the error is for a document that
// cannot be read, holds a private key, or has no usable key at all.
func ParseJWK(data []byte, b Binding) ([]*Key, []Unusable, error) { return nil, nil, ErrUnknown }
