package policies

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// pathCase is one case of testdata/paths.jsonl.
type pathCase struct {
	ID     string
	Rule   *pathRule
	Rules  []pathRule
	Method string
	Path   string
	Expect string
	Stance string
	Level  string
}

type pathRule struct {
	Type, URL string
	Methods   []string
}

// pattern writes a rule in the spelling of access entries.
func (r pathRule) pattern() string {
	switch r.Type {
	case "regex":
		return "regex:^" + r.URL + "$"
	case "glob": // a star is one segment, at the end one or more
		inner, deep := strings.CutSuffix(r.URL, "/*")
		inner = strings.ReplaceAll(inner, "/*", "/{any}")
		if deep {
			inner += "/**"
		}
		return inner
	case "prefix":
		return r.URL + "/**"
	}
	return r.URL
}

func TestPathCases(t *testing.T) {
	file, err := os.Open("testdata/paths.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	seen := 0
	for lines.Scan() {
		var c pathCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if c.Stance != "strict" {
			continue // the other stances are of other products
		}
		seen++
		t.Run(c.ID, func(t *testing.T) {
			if got := c.decide(); got != c.Expect {
				t.Errorf("%s %.80q: %s, want %s (level %s)", c.Method, c.Path, got, c.Expect, c.Level)
			}
		})
	}
	if err := lines.Err(); err != nil || seen < 40 {
		t.Fatalf("%d cases read: %v", seen, err)
	}
}

// decide runs a case; a rule that is refused at load denies.
func (c *pathCase) decide() string {
	rules := c.Rules
	if c.Rule != nil {
		rules = append(rules, *c.Rule)
	}
	spec := Spec{ID: "p", Access: []AccessSpec{{API: "orders"}}}
	for _, r := range rules {
		spec.Access[0].Allow = append(spec.Access[0].Allow, AllowSpec{Methods: r.Methods, Path: r.pattern()})
	}
	set, _ := Compile([]Spec{spec}, testAPIs, "")
	grant, err := set.Merge("", []string{"p"})
	if err != nil {
		return "deny"
	}
	target, err := ParseTarget(c.Path)
	if err != nil || grant.API("orders").Permits(c.Method, target, Scopes{}).Permission != Allowed {
		return "deny"
	}
	return "allow"
}
