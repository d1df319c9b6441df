package tyk

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// record is one scenario that a real Tyk gateway played, with what it answered.
type record struct {
	ID, Area, Note, Gateway, Org string
	APIs                         []recordAPI
	Policies                     map[string]json.RawMessage
	Keys                         []recordKey
	Dyn                          map[string]string
	Steps                        []recordStep
	Sessions                     []recordSession
}

type recordAPI struct {
	Kind, ID, Listen string
	Def              json.RawMessage
}

type recordKey struct {
	ID      string
	Session json.RawMessage
}

type recordStep struct {
	Method, Path, Host string
	Headers            [][2]string
	Send               []recordSend
	WaitMS             int               `json:"wait_ms"`
	Align              bool              `json:"align"`
	SetDyn             map[string]string `json:"set_dyn"`
	Tyk                struct {
		Status   int
		Error    string
		Upstream *struct{ Headers map[string][]string }
	}
	Expect struct {
		Mode, Defect, Why string
		Also              []recordAnswer
		Product           struct {
			Allow  bool
			Status int
		}
	}
}

type recordAnswer struct {
	Status int
	Error  *string
}

type recordSend struct {
	In, Name, Prefix string
	Token            *recordToken
	Value            string
}

type recordToken struct {
	Alg, Key string
	Header   map[string]any
	Claims   map[string]any
	Payload  string
	Mutate   []string
}

type recordSession struct {
	ID, Alias string
	Policies  []string
	Rights    map[string]json.RawMessage
}

// records reads all scenarios.
func records(t *testing.T) []record { return recordsOf(t) }

func recordsOf(t testing.TB) []record {
	t.Helper()
	f, err := os.Open("testdata/records.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []record
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("record %d: %v", len(out), err)
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) != 312 {
		t.Fatalf("%d scenarios, not 312", len(out))
	}
	return out
}

// expand puts base URLs and base64 in the place of {{…}}.
func expand(text, jwks string) string {
	text = strings.ReplaceAll(text, "{{JWKS}}", jwks)
	text = strings.ReplaceAll(text, "{{UPSTREAM}}", "http://upstream.example")
	for {
		before, after, ok := strings.Cut(text, "{{b64:")
		if !ok {
			return text
		}
		inner, rest, _ := strings.Cut(after, "}}")
		text = before + base64.StdEncoding.EncodeToString([]byte(unescapeJSON(inner))) + rest
	}
}

// unescapeJSON undoes the escapes of text that stands in a JSON string.
func unescapeJSON(text string) string {
	var out string
	if json.Unmarshal([]byte(`"`+text+`"`), &out) != nil {
		return text
	}
	return out
}
