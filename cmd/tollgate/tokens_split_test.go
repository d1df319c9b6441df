package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

const splitFile = `
version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: {url: "STORE", timeout: 5s}
seal: {keys: [{id: k1, key: "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}]}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{secret: file://signing, issuer: "https://issuer.example/"}]
    claims: {audiences: [orders]}
    policies: {default: [basic]}
    split: required
  - id: billing
    match: [{host: "*", path: /billing}]
    keys: [{secret: file://signing, issuer: "https://issuer.example/"}]
    claims: {audiences: [billing]}
    policies: {default: [basic]}
policies:
  - {id: basic, access: {orders: {allow: all}, billing: {allow: all}}}
`

// splitShell is a folder with a configuration that takes split tokens, and a token.
func splitShell(t *testing.T, store string) (s *shell, token string) {
	t.Helper()
	s = &shell{dir: t.TempDir(), env: map[string]string{"TOLLGATE_ADMIN_SECRET": keysSecret, "HOLDER": "not used here"}}
	const signing = "0123456789abcdef0123456789abcdef"
	for name, text := range map[string]string{"tollgate.yaml": strings.Replace(splitFile, "STORE", store, 1), "signing": signing} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s, s.signed(t, map[string]any{"jti": "one"})
}

// signed is a token of alice with further claims.
func (s *shell) signed(t *testing.T, claims map[string]any) string {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(s.dir, "signing"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := tokens.FromSecret("HS256", "", secret)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"iss": "https://issuer.example/", "sub": "alice", "aud": "orders", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix() - 1}
	maps.Copy(all, claims)
	token, err := key.Sign(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// pipe runs a command with standard input and gives what it prints to standard
// output alone.
func (s *shell) pipe(t *testing.T, in string, args ...string) (code int, out, remarks string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	term := &terminal{in: strings.NewReader(in), out: &stdout, err: &stderr, getenv: s.getenv, now: time.Now}
	code = run(t.Context(), term, append(args, s.more...))
	if len(in) > 20 && (strings.Contains(stderr.String(), in) || code != exitOK && strings.Contains(stdout.String(), in)) {
		t.Errorf("%v: what was read is told again", args)
	}
	return code, stdout.String(), stderr.String()
}

// TestTokensSplitAndJoin: what the commands of one machine do with a token, on the
// store itself.
func TestTokensSplitAndJoin(t *testing.T) {
	s, token := splitShell(t, "file:data")
	s.more = []string{"--config", s.config()}
	code, half, remarks := s.pipe(t, token+"\n", "tokens", "split")
	half = strings.TrimSpace(half)
	if code != exitOK || half != token[strings.LastIndexByte(token, '.')+1:] || !strings.Contains(remarks, "kept until") {
		t.Fatalf("split: exit %d, %d characters, %q", code, len(half), remarks)
	}
	code, again, _ := s.pipe(t, "Bearer "+token, "tokens", "split", "--api", "orders", "-")
	if code != exitOK || strings.TrimSpace(again) != half {
		t.Errorf("split again: exit %d, another half", code)
	}
	code, whole, _ := s.pipe(t, half, "tokens", "join")
	if code != exitOK || strings.TrimSpace(whole) != token {
		t.Errorf("join: exit %d, another token", code)
	}
	path := filepath.Join(s.dir, "half")
	if err := os.WriteFile(path, []byte(half+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := s.pipe(t, "", "tokens", "join", "@"+path, "--api", "orders", "-o", "json")
	var told struct{ Token, API string }
	if err := json.Unmarshal([]byte(out), &told); err != nil || code != exitOK || told.Token != token || told.API != "orders" {
		t.Errorf("join from a file: exit %d, %v", code, err)
	}
	if code, out, _ := s.pipe(t, token, "tokens", "split", "-o", "json"); code != exitOK || !strings.Contains(out, `"until"`) || !strings.Contains(out, half) {
		t.Errorf("split for machines: exit %d", code)
	}
}

// TestTokensSplitAndJoinRefuse: why not, and never with the token in the answer.
func TestTokensSplitAndJoinRefuse(t *testing.T) {
	s, token := splitShell(t, "file:data")
	s.more = []string{"--config", s.config()}
	half := token[strings.LastIndexByte(token, '.')+1:]
	for name, each := range map[string]struct {
		in   string
		args []string
		code int
		says string
	}{
		"another audience":     {s.signed(t, map[string]any{"aud": "billing"}), []string{"split"}, exitFail, "audience_refused"},
		"ended":                {s.signed(t, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), []string{"split"}, exitFail, "token_expired"},
		"without end":          {s.signed(t, map[string]any{"exp": nil}), []string{"split"}, exitFail, "refused: "},
		"another signature":    {token[:len(token)-4] + "AAAA", []string{"split"}, exitFail, "signature_invalid"},
		"no token":             {"nonsense-that-is-nothing-at-all", []string{"split"}, exitFail, "token_malformed"},
		"nothing":              {"", []string{"split"}, exitUsage, "nothing on standard input"},
		"in the arguments":     {"", []string{"split", token}, exitUsage, "others can read arguments"},
		"twice":                {"", []string{"split", "-", "-"}, exitUsage, "--help"},
		"an API without":       {token, []string{"split", "--api", "billing"}, exitUsage, "takes no split tokens"},
		"no API":               {token, []string{"split", "--api", "nope"}, exitUsage, "the configuration has orders, billing"},
		"another output":       {token, []string{"split", "-o", "xml"}, exitUsage, "-o json"},
		"a half that was lost": {half, []string{"join"}, exitFail, "token_unknown"},
		"a malformed half":     {"=" + half, []string{"join"}, exitFail, "token_unknown"},
		"a whole token":        {token, []string{"join"}, exitUsage, "whole token already"},
		"no file":              {"", []string{"join", "@/nowhere/half"}, exitUsage, "/nowhere/half is not there"},
		"join without the API": {half, []string{"join", "--api", "billing"}, exitUsage, "takes no split tokens"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, remarks := s.pipe(t, each.in, append([]string{"tokens"}, each.args...)...)
			if code != each.code || !strings.Contains(out+remarks, each.says) {
				t.Errorf("exit %d, expected %d and %q in\n%s%s", code, each.code, each.says, out, remarks)
			}
			if strings.Contains(out+remarks, half) {
				t.Error("the half is told")
			}
		})
	}

	if code, out, remarks := (&shell{}).pipe(t, "", "tokens", token); code != exitUsage || !strings.Contains(remarks, "unknown command") || strings.Contains(out+remarks, half) {
		t.Errorf("a token as a command: exit %d", code)
	}
	memory, token := splitShell(t, "memory:")
	for _, verb := range []string{"split", "join"} {
		if code, _, remarks := memory.pipe(t, token, "tokens", verb, "--config", memory.config()); code != exitUsage || !strings.Contains(remarks, "would end with this command") {
			t.Errorf("%s on memory: exit %d %s", verb, code, remarks)
		}
	}
	memory.in = token
	memory.expect(t, exitUsage, "would end with this command", "tokens", "revoke", "--offline", "--config", memory.config())

	held, token := splitShell(t, "file:data")
	held.serve(t)
	if code, _, remarks := held.pipe(t, token, "tokens", "split", "--config", held.config()); code != exitUsage || !strings.Contains(remarks, "another process") {
		t.Errorf("a held store: exit %d %s", code, remarks)
	}
}

// TestTokensBesideAService: on a shared store halves are made and joined while a
// service runs, and what is ended at its admin API ends here.
func TestTokensBesideAService(t *testing.T) {
	server := storetest.StartRedis(t, storetest.RedisBinary(t))
	s, token := splitShell(t, server.URL())
	s.env["TOLLGATE_SERVER"] = s.serve(t)
	file := []string{"--config", s.config()}
	local := func(in, verb string) (int, string, string) {
		return s.pipe(t, in, append([]string{"tokens", verb}, file...)...)
	}

	code, half, remarks := local(token, "split")
	if half = strings.TrimSpace(half); code != exitOK {
		t.Fatalf("split: exit %d %s", code, remarks)
	}
	s.in = half
	if out := s.expect(t, exitOK, "active, half of a split token", "tokens", "show"); !strings.Contains(out, `"sub": "alice"`) || !strings.Contains(out, "session") || strings.Contains(out, half) {
		t.Error("shown: no subject, no session, or the half")
	}
	s.expect(t, exitOK, `"active":`, "tokens", "show", "--api", "orders", "-o", "json")
	s.expect(t, exitFail, "not active: key_unknown", "tokens", "show", "--api", "nope")
	s.expect(t, exitOK, "ended", "tokens", "revoke")
	s.expect(t, exitFail, "not active: token_unknown", "tokens", "show")
	s.expect(t, exitFail, "nothing was changed", "tokens", "revoke")
	if code, out, _ := local(half, "join"); code != exitFail || !strings.Contains(out, "token_unknown") {
		t.Errorf("join of what was ended: exit %d %s", code, out)
	}
	s.in = token
	s.expect(t, exitFail, "not active: token_revoked, whole token", "tokens", "show")
	s.expect(t, exitUsage, "others can read arguments", "tokens", "show", "x")
}

// TestTokensRevokeByRule: all tokens of somebody end, those issued later do not.
func TestTokensRevokeByRule(t *testing.T) {
	s, token := splitShell(t, "file:data")
	s.more = []string{"--offline", "--config", s.config()}
	s.in = token
	s.expect(t, exitFail, "audience_refused", "tokens", "show", "--api", "billing")
	s.expect(t, exitOK, "active", "tokens", "show")
	s.expect(t, exitOK, "ended; the rule is ", "tokens", "revoke", "--subject", "alice", "--before", "now")
	s.expect(t, exitFail, "token_revoked", "tokens", "show")
	s.in = s.signed(t, map[string]any{"sub": "bob"})
	s.expect(t, exitOK, "active", "tokens", "show")
	s.expect(t, exitOK, `"kind"`, "tokens", "revoke", "--issuer", "https://issuer.example/", "-o", "json")
	s.expect(t, exitFail, "token_revoked", "tokens", "show")
	for _, wrong := range [][]string{
		{"--subject", "a", "--jti", "b"},
		{"--before", "now"},
		{"--subject", "a", "--before", "yesterday"},
		{"--subject", "a", "-"},
		{"--subject", "a", "--api", "orders"},
	} {
		s.expect(t, exitUsage, "tollgate: ", append([]string{"tokens", "revoke"}, wrong...)...)
	}
	s.expect(t, exitFail, "needs a time", "tokens", "revoke", "--all")
}
