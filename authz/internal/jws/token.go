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
// 0 stands for DefaultMaxBytes. The error is ErrMalformed or ErrAlg. The header
// is judged first: a token of a refused algorithm is ErrAlg however odd the rest
// of it is.
func Parse(raw string, maxBytes int) (*Token, error) {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	if len(raw) > maxBytes {
		return nil, errTooLong
	}
	header, payload, signature, refusal := split(raw)
	if refusal != nil {
		return nil, refusal
	}
	t := &Token{raw: raw, signed: len(header) + 1 + len(payload)}
	if refusal := t.readHeader(header); refusal != nil {
		return nil, refusal
	}
	if refusal := t.readBody(payload, signature); refusal != nil {
		return nil, refusal
	}
	return t, nil
}

func (t *Token) readBody(payload, signature string) *Refusal {
	if payload == "" {
		return errNoPayload
	}
	if signature == "" {
		return errNoSignature
	}
	var refusal *Refusal
	if t.signature, refusal = decode(nil, signature); refusal != nil {
		return refusal
	}
	text, refusal := decode(nil, payload)
	if refusal != nil {
		return refusal
	}
	t.Claims, refusal = parseObject(string(text), fullDepth)
	return refusal
}

// Signature gives the decoded signature. It must not be changed.
func (t *Token) Signature() []byte { return t.signature }

// Signed gives the text that the signature covers: header and payload with the
// dot between them.
func (t *Token) Signed() string { return t.raw[:t.signed] }
