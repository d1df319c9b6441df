package cases

import (
	"regexp"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
	"go.yaml.in/yaml/v3"
)

// Time is a moment; the zero value is left out.
type Time struct{ time.Time }

// standstill is the time of cases that name none.
func standstill() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// UnmarshalYAML reads RFC 3339.
func (t *Time) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		return at(n, "time is a moment after RFC 3339, such as 2026-01-01T12:00:00Z")
	}
	t.Time = parsed
	return nil
}

// JSONSchema describes it.
func (Time) JSONSchema() *jsonschema.Schema { return text() }

// relative is how exp, nbf and iat may be written: now, +1h, -90s.
var relative = regexp.MustCompile(`^(?:now|[+-][0-9][0-9a-z.µ]*)$`)

// seconds turns what a time claim says into the number that a token carries; what
// is not relative stays as it is.
func seconds(claim any, now time.Time) any {
	word, ok := claim.(string)
	if !ok || !relative.MatchString(word) {
		return claim
	}
	if word == "now" {
		return now.Unix()
	}
	offset, err := time.ParseDuration(word)
	if err != nil && strings.HasSuffix(word, "d") {
		offset, err = time.ParseDuration(strings.TrimSuffix(word, "d") + "h")
		offset *= 24
	}
	if err != nil {
		return claim
	}
	return now.Add(offset).Unix()
}
