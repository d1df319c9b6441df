package revoked

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Kind says what the value of a rule names.
type Kind string

// The kinds of rules.
const (
	JWTID   Kind = "jti"
	Token   Kind = "token" // hash of the signed part of a token that has no jti
	Subject Kind = "subject"
	Session Kind = "session"
	Client  Kind = "client"
	Issuer  Kind = "issuer"
	All     Kind = "all"
)

// Kinds are the kinds of rules in the order in which they are asked.
func Kinds() []Kind { return []Kind{JWTID, Token, Subject, Session, Client, Issuer, All} }

// Bounds of a rule.
const maxText = 1024 // bytes of value and of issuer

// ErrRule says that a rule cannot be kept as it is.
var ErrRule = errors.New("no such revocation can be made")

// Rule ends the tokens that fit it.
type Rule struct {
	Kind   Kind      `json:"kind"`
	Value  string    `json:"value,omitempty"`
	Issuer string    `json:"issuer,omitempty"` // of the value; "" for every issuer
	Before time.Time `json:"before,omitzero"`  // only tokens issued before; zero: all
	Until  time.Time `json:"until,omitzero"`   // when it may be forgotten; zero: never
	By     string    `json:"by,omitempty"`     // who made it
}

// Check says what is wrong with a rule.
func (r Rule) Check() error {
	switch r.Kind {
	case JWTID, Token, Subject, Session, Client:
		if r.Value == "" {
			return fmt.Errorf("%w: kind %s needs a value", ErrRule, r.Kind)
		}
	case Issuer:
		if r.Value == "" || r.Issuer != "" {
			return fmt.Errorf("%w: kind issuer needs the issuer as its value, and only there", ErrRule)
		}
	case All:
		if r.Value != "" || r.Before.IsZero() {
			return fmt.Errorf("%w: kind all takes no value and needs a time before which tokens were issued", ErrRule)
		}
	default:
		return fmt.Errorf("%w: kind %q: use jti, token, subject, session, client, issuer or all", ErrRule, r.Kind)
	}
	if len(r.Value) > maxText || len(r.Issuer) > maxText {
		return fmt.Errorf("%w: a value has at most %d bytes", ErrRule, maxText)
	}
	return nil
}

// name is what a rule is found by.
type name struct {
	kind          Kind
	value, issuer string
}

func (r Rule) name() name { return name{kind: r.Kind, value: r.Value, issuer: r.Issuer} }

// ends says whether a rule ends a token issued at that time. A token that does
// not say when it was issued may be of any time, so it ends.
func (r Rule) ends(issued, now time.Time) bool {
	if !r.Until.IsZero() && !now.Before(r.Until) {
		return false
	}
	return r.Before.IsZero() || issued.IsZero() || issued.Before(r.Before)
}

// with gives a rule that ends what either of two about the same thing ends.
func (r Rule) with(other Rule) Rule {
	wider := func(a, b time.Time) time.Time {
		if a.IsZero() || b.IsZero() {
			return time.Time{}
		}
		if a.After(b) {
			return a
		}
		return b
	}
	r.Before, r.Until = wider(r.Before, other.Before), wider(r.Until, other.Until)
	return r
}

// version of the plain text of a record.
const version = 1

func (r Rule) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	return append([]byte{version}, text...), err
}

func decode(plain []byte) (Rule, error) {
	var r Rule
	if len(plain) == 0 || plain[0] != version {
		return r, errors.New("revocation in an unknown form")
	}
	if err := json.Unmarshal(plain[1:], &r); err != nil {
		return r, errors.New("revocation cannot be read")
	}
	return r, r.Check()
}
