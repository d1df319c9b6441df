package authz

import (
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// Prefixes of the variables that definitions of Tyk have in header values.
const (
	tykMeta    = "$tyk_meta."
	tykContext = "$tyk_context."
	tykClaim   = "jwt_claims_"
	tykID      = "TykJWTSessionID"
)

// piece is a part of a mixed text: a literal or a value.
type piece struct {
	source source
	name   string
}

// hasTyk says whether a text names variables of Tyk.
func hasTyk(text string) bool {
	return strings.Contains(text, tykMeta) || strings.Contains(text, tykContext)
}

// compileMixed reads a text with variables of Tyk. ok is false where it names one
// that is not kept.
func compileMixed(text string, def *TykDefinition) (pieces []piece, ok bool) {
	for text != "" {
		at := strings.Index(text, "$tyk_")
		if at < 0 {
			return append(pieces, piece{fromLiteral, text}), true
		}
		if at > 0 {
			pieces = append(pieces, piece{fromLiteral, text[:at]})
		}
		text = text[at:]
		name, rest, prefix := cutVariable(text)
		p, known := variable(prefix, name, def)
		if !known {
			return nil, false
		}
		pieces, text = append(pieces, p), rest
	}
	return pieces, true
}

// cutVariable takes a variable off the start of a text. Its name is made of
// letters, digits and _ . -
func cutVariable(text string) (name, rest, prefix string) {
	for _, p := range []string{tykMeta, tykContext} {
		after, ok := strings.CutPrefix(text, p)
		if !ok {
			continue
		}
		end := strings.IndexFunc(after, func(r rune) bool {
			return r != '_' && r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		})
		if end < 0 {
			end = len(after)
		}
		return after[:end], after[end:], p
	}
	return "", "", ""
}

func variable(prefix, name string, def *TykDefinition) (piece, bool) {
	claim, isClaim := strings.CutPrefix(name, tykClaim)
	switch {
	case prefix == tykMeta && name == tykID:
		return piece{fromTykID, ""}, def != nil
	case prefix == tykMeta:
		return piece{fromMeta, name}, name != ""
	case prefix != tykContext || def == nil:
		return piece{}, false
	case !def.Context: // switched off, they are empty in Tyk
		return piece{fromNothing, ""}, true
	case isClaim:
		return piece{fromJOSE, claim}, claim != ""
	case name == "token":
		return piece{fromTykID, ""}, true
	}
	return requestVariable(name)
}

// jose gives a claim, or the header field of that name where there is none.
func jose(tok *jws.Token, name string) (string, bool) {
	if v := tok.Claims.Get(name); v.Kind() != jws.Absent {
		return headerValue(v)
	}
	switch {
	case name == "alg":
		return string(tok.Alg), true
	case name == "kid" && tok.HasKid:
		return tok.Kid, true
	case name == "typ" && tok.HasTyp:
		return tok.Typ, true
	}
	return headerValue(tok.Claims.Lookup(name))
}

// mix joins the pieces; one that has no value is left out, as Tyk does.
func (i *injection) mix(f *filling) (string, bool) {
	var out strings.Builder
	for _, p := range i.pieces {
		one := injection{source: p.source, name: p.name}
		if value, ok := one.value(f); ok {
			out.WriteString(value)
		}
	}
	return out.String(), out.Len() > 0
}
