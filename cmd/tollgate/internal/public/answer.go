package public

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"
)

// errAnswer says that an answer of the provider is not one that can be handed
// on: not one JSON object, or a member twice.
var errAnswer = errors.New("the provider's answer is not one JSON object")

// member is one member of the provider's answer, in its order.
type member struct {
	name  string
	value json.RawMessage
}

// parseAnswer reads an answer and keeps what it does not know.
func parseAnswer(body []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errAnswer
	}
	var members []member
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		name, ok := token.(string)
		if err != nil || !ok || seen[name] {
			return nil, errAnswer
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errAnswer
		}
		members = append(members, member{name: name, value: value})
	}
	if _, err := d.Token(); err != nil {
		return nil, errAnswer
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errAnswer
	}
	return members, nil
}

// text is the text of a member, "" when it is not there or no text.
func text(members []member, name string) string {
	for _, m := range members {
		if m.name == name {
			var s string
			if json.Unmarshal(m.value, &s) != nil {
				return ""
			}
			return s
		}
	}
	return ""
}

func has(members []member, name string) bool {
	return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
}

// rewrite gives the answer for the client: its half in the place of the access
// token, other tokens as the endpoint says, an expiry that is not later than
// that of the half, everything else as it came.
func (e *Endpoint) rewrite(members []member, half string, left time.Duration) []byte {
	out := []byte{'{'}
	for _, m := range members {
		value := m.value
		switch m.name {
		case "access_token":
			value = quote(half)
		case "id_token":
			if e.IDToken != Pass {
				continue
			}
		case "refresh_token":
			if e.RefreshToken != Pass {
				continue
			}
		case "expires_in":
			seconds := int64(left / time.Second)
			if given, err := strconv.ParseInt(string(value), 10, 64); left > 0 && (err != nil || given > seconds) {
				value = strconv.AppendInt(nil, seconds, 10)
			}
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, quote(m.name)...), ':'), value...)
	}
	return append(out, '}')
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil { // texts have no way to fail
		return []byte(`""`)
	}
	return b
}
