package cases

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// with is the token of a case on top of what the file sets, nil for none.
func (t *Token) with(own *Token) *Token {
	if t == nil || t.None || own != nil && own.None {
		return own
	}
	if own == nil {
		return t
	}
	all := Token{
		Key: orElse(own.Key, t.Key), Header: over(t.Header, own.Header), Claims: over(t.Claims, own.Claims),
		Payload: orElse(own.Payload, t.Payload), Text: orElse(own.Text, t.Text), Tamper: orElse(own.Tamper, t.Tamper),
		Split: t.Split, Revoked: t.Revoked || own.Revoked,
	}
	if own.Split != nil {
		all.Split = own.Split
	}
	return &all
}

func over(under, own map[string]any) map[string]any {
	all := maps.Clone(under)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, own)
	return all
}

// signer is the name of the key that signs a token.
func (f *File) signer(t *Token) (string, error) {
	names := slices.Sorted(maps.Keys(f.Keys))
	switch {
	case t.Key == "" && len(names) == 1:
		return names[0], nil
	case t.Key == "":
		return "", fmt.Errorf("the token does not say which key signs it: write key, one of %s", list(names))
	case !slices.Contains(names, t.Key):
		return "", fmt.Errorf("the key %s is not under keys: there are %s", t.Key, list(names))
	default:
		return t.Key, nil
	}
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// mint makes the token text of one case, "" for none.
func (f *File) mint(one *Case, keys map[string]*tokens.Key) (string, error) {
	t := f.Token.with(one.Token)
	switch {
	case t == nil || t.None:
		return "", nil
	case t.Text != "":
		return t.Text, nil
	}
	name, err := f.signer(t)
	if err != nil {
		return "", err
	}
	payload := []byte(t.Payload)
	if len(payload) == 0 {
		if payload, err = json.Marshal(t.claims(f.moment(one))); err != nil {
			return "", fmt.Errorf("claims: %w", err)
		}
	}
	token, err := keys[name].SignPayload(t.Header, payload)
	if err != nil {
		return "", err
	}
	return tampered(token, t.Tamper), nil
}

func (t *Token) claims(now time.Time) map[string]any {
	claims := maps.Clone(t.Claims)
	for _, name := range []string{"exp", "nbf", "iat"} {
		if claim, ok := claims[name]; ok {
			claims[name] = seconds(claim, now)
		}
	}
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	if claims == nil {
		return map[string]any{}
	}
	return claims
}

// moment is the time of a case.
func (f *File) moment(one *Case) time.Time {
	switch {
	case !one.Time.IsZero():
		return one.Time.Time
	default:
		return f.begin()
	}
}

// begin is the time of a file.
func (f *File) begin() time.Time {
	if !f.Time.IsZero() {
		return f.Time.Time
	}
	return standstill()
}

// tampered does to a signed token what attackers do.
func tampered(token, how string) string {
	parts := strings.Split(token, ".")
	switch how {
	case "signature":
		parts[2] = swapped(parts[2])
	case "payload":
		parts[1] = swapped(parts[1])
	case "no_signature":
		parts[2] = ""
	case "two_parts":
		parts = parts[:2]
	case "padding":
		parts[2] += "="
	}
	return strings.Join(parts, ".")
}

// swapped changes one character in the middle of base64url text into another.
func swapped(part string) string {
	middle := len(part) / 2
	other := byte('A')
	if part[middle] == other {
		other = 'B'
	}
	return part[:middle] + string(other) + part[middle+1:]
}
