package public

import (
	"bytes"
	"encoding/json"
	"strings"
)

// tells says whether any text or name in a JSON body, however it is escaped and
// however deep it stands, is one that told finds.
func tells(body []byte, told func(text string) bool) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil { // its end; a body that is broken was refused before
			return false
		}
		if text, ok := token.(string); ok && told(text) {
			return true
		}
	}
}

// claimsOf tells of the claims of one token, with or without the rest of it.
func claimsOf(token string) func(string) bool {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, _ := strings.Cut(rest, ".")
	return func(text string) bool { return strings.Contains(text, claims) }
}

// anyJWT tells of compact tokens: an error has no use for one.
func anyJWT(text string) bool {
	return strings.Contains(text, "eyJ") && strings.Count(text, ".") >= 2
}
