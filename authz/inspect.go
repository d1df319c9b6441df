package authz

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// Inspection is what may be shown of a token to its holder or an operator. It
// never holds the signature.
type Inspection struct {
	Header json.RawMessage // as the token writes it
	Claims json.RawMessage
	Alg    string
	Kid    string
	Typ    string
	Reason Reason // why it was refused; "" when it was verified, or only decoded
	Text   string // the standard text of Reason
	Cause  string // more than the text says; never of the token's own words
}

// Inspect decodes a token without verifying it. The error says what is wrong
// with its form and never quotes it.
func Inspect(raw string) (*Inspection, error) {
	tok, err := jws.Parse(raw, maxTokenBytes)
	if err != nil {
		return nil, err
	}
	head, rest, _ := strings.Cut(raw, ".")
	payload, _, _ := strings.Cut(rest, ".")
	header, err := base64.RawURLEncoding.Strict().DecodeString(head)
	if err != nil { // the gate has let it pass
		return nil, err
	}
	claims, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return nil, err
	}
	return &Inspection{Header: header, Claims: claims, Alg: string(tok.Alg), Kid: tok.Kid, Typ: tok.Typ}, nil
}

// Inspect verifies a token as the named API would at the given time (now when
// it is zero): form, key, signature, claims and identity. Reason APIUnknown when
// the live snapshot has no such API.
func (e *Engine) Inspect(ctx context.Context, api, raw string, at time.Time) *Inspection {
	if at.IsZero() {
		at = e.options.Now()
	}
	out, err := Inspect(raw)
	if err != nil {
		out = &Inspection{Cause: err.Error()}
	}
	d := &decision{e: e, snap: e.live(), token: raw, now: at, kind: KindToken}
	if d.api = d.snap.byID[api]; d.api == nil {
		out.Reason, out.Text = APIUnknown, d.snap.answers.rows[APIUnknown].Text
		return out
	}
	if _, _, why := d.authenticate(ctx); why != nil && !isRights(why.reason) {
		out.Reason, out.Text = why.reason, d.snap.answers.rows[why.reason].Text
		if why.err != nil && !errors.Is(why.err, context.Canceled) {
			out.Cause = why.err.Error()
		}
	}
	return out
}

// isRights says whether a reason is about what a good token may do.
func isRights(reason Reason) bool {
	return reason == PolicyMissing || reason == PolicyUnknown || reason == PolicyInactive
}
