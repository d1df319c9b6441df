package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	fenced      = regexp.MustCompile("(?s)```(yaml|sh)\n(.*?)```")
	quotedField = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
	compact     = regexp.MustCompile(`eyJ[\w.-]+`)
	assigned    = regexp.MustCompile(`^TOKEN=\$\((.*)\)$`)
)

// TestConceptsRun runs the examples of docs/concepts.md in their order, against a
// service with the configuration that the page shows.
func TestConceptsRun(t *testing.T) {
	page, err := os.ReadFile("../../docs/concepts.md")
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	configuration := `version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: "memory:"
policies: [{id: basic, access: {orders: {allow: all}}}]
`
	var commands []string
	for _, block := range fenced.FindAllStringSubmatch(string(page), -1) {
		if block[1] == "yaml" {
			configuration += block[2]
			continue
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(block[2], "\\\n", " "), "\n") {
			if strings.HasPrefix(line, "tollgate ") || assigned.MatchString(line) {
				commands = append(commands, line)
			}
		}
	}
	if len(commands) < 3 {
		t.Fatalf("%d commands on the page", len(commands))
	}
	if err := os.WriteFile(s.config(), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(s.dir)
	if err := os.WriteFile("partner-7.secret", []byte(strings.Repeat("0123456789abcdef", 4)+"\n"), 0o600); err != nil {
		t.Fatal(err) // what openssl makes on the page
	}
	s.env["TOLLGATE_SERVER"] = s.serve(t)
	token, allowed := "", false
	for _, line := range commands {
		plain := assigned.ReplaceAllString(line, "$1")
		args := quotedField.FindAllString(plain, -1)[1:]
		for i := range args {
			args[i] = strings.ReplaceAll(strings.Trim(args[i], `'"`), "$TOKEN", token)
		}
		code, out := s.runs(t, args...)
		if code != exitOK {
			t.Errorf("%s: exit %d: %s", line, code, out)
		}
		if plain != line {
			token = compact.FindString(out)
		}
		allowed = allowed || args[0] == "check" && strings.HasPrefix(out, "allow")
	}
	if !allowed {
		t.Error("no token of the page opens")
	}
}
