package authz

import (
	"strings"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// rule is one entry of claims.rules.
type rule struct {
	claim            string
	equals, contains []want
	warnOnly         bool
}

// want is one value of a rule.
type want struct {
	kind jws.Kind
	text string // of a string; exact decimal of a number; true or false
}

// applyRules tries the rules in the order of the file.
func (c *claimChecks) applyRules(claims jws.Object) (warned string, why *denial) {
	for i := range c.rules {
		r := &c.rules[i]
		why := r.check(claims.Lookup(r.claim))
		if why == nil {
			continue
		}
		if !r.warnOnly {
			return warned, why
		}
		if warned != "" {
			warned += ","
		}
		warned += r.claim
	}
	return warned, nil
}

func (r *rule) check(v jws.Value) *denial {
	switch {
	case v.Kind() == jws.Absent:
		return &denial{reason: ClaimMissing, tyk: tykMissing(r.claim)}
	case len(r.equals) == 0 && len(r.contains) == 0:
		if v.Kind() == jws.Null {
			return &denial{reason: ClaimMissing, tyk: "Key not authorized: custom claim " + r.claim + " expects a non nil value"}
		}
	case len(r.equals) > 0 && !isAny(v, r.equals):
		return &denial{reason: ClaimRefused, tyk: "Key not authorized: claim " + r.claim + " value does not match any expected values"}
	case len(r.contains) > 0 && !holdsAny(v, r.contains):
		return &denial{reason: ClaimRefused, tyk: "Key not authorized: claim " + r.claim + " value does not contain any expected values"}
	}
	return nil
}

func tykMissing(claim string) string {
	return "Key not authorized: custom claim " + claim + " is required but not present in token"
}

// isAny says whether v equals one of the wanted values, type and all.
func isAny(v jws.Value, wanted []want) bool {
	for i := range wanted {
		if wanted[i].is(v) {
			return true
		}
	}
	return false
}

// holdsAny says whether v has one of the wanted values as an element of an array
// or as a word of a space separated text; never as a part of a word.
func holdsAny(v jws.Value, wanted []want) bool {
	switch v.Kind() {
	case jws.Array:
		for item := range v.Items() {
			if isAny(item, wanted) {
				return true
			}
		}
		return false
	case jws.String:
		for word := range strings.FieldsSeq(v.Text()) {
			for i := range wanted {
				if wanted[i].kind == jws.String && wanted[i].text == word {
					return true
				}
			}
		}
	case jws.Absent, jws.Null, jws.Bool, jws.Number, jws.ObjectKind:
	}
	return isAny(v, wanted)
}

func (w *want) is(v jws.Value) bool {
	if v.Kind() != w.kind {
		return false
	}
	switch w.kind {
	case jws.Null:
		return true
	case jws.Number:
		text := v.Text()
		return text == w.text || decimal(text) == decimal(w.text)
	case jws.String, jws.Bool:
		return v.Text() == w.text
	case jws.Absent, jws.Array, jws.ObjectKind:
	}
	return false
}
