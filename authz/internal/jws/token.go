package jws

// DefaultMaxBytes bounds a token when the configuration is silent (contract
// token.max_bytes): directory tokens with many groups pass 8 KiB.
const DefaultMaxBytes = 16384

// Token is one compact JWS whose form passed the gate. Nothing about it is
// trusted before Verify. A Token is immutable and safe for concurrent use.
type Token struct {
	Alg    Alg
	Kid    string // with HasKid; may be ""
	HasKid bool
	Typ    string // with HasTyp; as spelled
	HasTyp bool
	Claims Object // the payload

	raw       string
	signed    int // length of "header.payload" in raw
	signature []byte
}

// Parse passes raw through the gate. maxBytes bounds it before any work is done;
// 0 stands for DefaultMaxBytes. The error is ErrMalformed or ErrAlg.
func Parse(raw string, maxBytes int) (*Token, error) {
	return nil, ErrMalformed
}

// Signature gives the decoded signature. It must not be changed.
func (t *Token) Signature() []byte { return t.signature }

// Signed gives the text that the signature covers: header and payload with the
// dot between them.
func (t *Token) Signed() string { return t.raw[:t.signed] }

// Verify says whether k signed the token by the token's algorithm. The error is
// ErrSignature, also when k does not fit the algorithm.
func (t *Token) Verify(k *Key) error { return ErrSignature }
