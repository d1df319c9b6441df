package jws

var (
	errNoAlg   = refuse(ErrMalformed, "the header has no alg")
	errAlgType = refuse(ErrMalformed, "the header's alg is no text")
	errKidType = refuse(ErrMalformed, "the header's kid is no text")
	errTypType = refuse(ErrMalformed, "the header's typ is no text")
	errCrit    = refuse(ErrMalformed, "the header has crit: no extension is supported")
	errB64     = refuse(ErrMalformed, "the header has b64: unencoded payloads are not supported")
	errAlgNone = refuse(ErrAlg, "the header's alg is none")
)

// readHeader decodes and judges the header part. Members that could offer a key
// (jwk, jku, x5u, x5c, x5t) are never looked at: a key comes from the
// configuration or not at all.
func (t *Token) readHeader(part string) *Refusal {
	switch {
	case part == "":
		return errNoHeader
	case len(part) > maxHeader:
		return errHeaderLong
	}
	var room [maxHeader * 3 / 4]byte
	text, refusal := decode(room[:0], part)
	if refusal != nil {
		return refusal
	}
	var index [8]member
	members, refusal := scanObject(string(text), index[:0], fullDepth)
	if refusal != nil {
		return refusal
	}
	hasAlg := false
	for i := range members {
		refusal := t.readMember(members[i].name, members[i].value)
		if refusal != nil {
			return refusal
		}
		hasAlg = hasAlg || members[i].name == "alg"
	}
	if !hasAlg {
		return errNoAlg
	}
	return checkAlg(t.Alg)
}

func (t *Token) readMember(name string, v Value) *Refusal {
	switch name {
	case "alg":
		if v.kind != String {
			return errAlgType
		}
		t.Alg = Alg(v.Text())
	case "kid":
		if v.kind != String {
			return errKidType
		}
		t.Kid, t.HasKid = v.Text(), true
	case "typ":
		if v.kind != String {
			return errTypType
		}
		t.Typ, t.HasTyp = v.Text(), true
	case "crit": // RFC 7515 section 4.1.11: what is not understood must be refused
		return errCrit
	case "b64": // RFC 7797 section 6: it must be critical, so it is refused either way
		return errB64
	}
	return nil
}

func checkAlg(a Alg) *Refusal {
	switch {
	case a == "none":
		return errAlgNone
	case a.Family() == NoFamily:
		return errAlgUnknown
	}
	return nil
}
