package keyset

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// attack is one case of testdata/jwt-attacks.jsonl.
type attack struct {
	ID, Category, Expect string
	Token                string
	TokenParts           []struct {
		Text   string
		Repeat int
	} `json:"token_parts"`
	AlgConfig struct {
		Algs        []string
		KidRequired *bool `json:"kid_required"`
	} `json:"alg_config"`
	Keys struct {
		Kind, B64, PEM string
		JWKS           json.RawMessage
		Sources        []struct {
			Issuer string
			JWKS   json.RawMessage
		}
		Keys map[string]struct {
			Kty, K, PEM string
		}
	}
	MaxMS int `json:"max_ms"`
}

// The categories of attacks that a later step refuses: by the clock, claims,
// headers, policies, or the store.
var later = []string{"time", "claims", "bearer", "split", "policy"}

// TestAttacks runs every attack on gate, keys and signature.
func TestAttacks(t *testing.T) {
	ran := 0
	for _, line := range readLines(t, "testdata/jwt-attacks.jsonl") {
		var a attack
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(later, a.Category) {
			continue
		}
		ran++
		t.Run(a.ID, func(t *testing.T) {
			started := time.Now()
			got, why := a.decide(t)
			if got != a.Expect {
				t.Errorf("%s (%s), want %s", got, why, a.Expect)
			}
			// A second at least: what crawls takes longer even on a busy machine.
			limit := max(time.Second, 5*time.Duration(a.MaxMS)*time.Millisecond)
			if a.MaxMS > 0 && time.Since(started) > limit {
				t.Errorf("took %v", time.Since(started))
			}
		})
	}
	if ran < 75 {
		t.Errorf("only %d attacks were run", ran)
	}
}

func (a *attack) decide(t *testing.T) (verdict, why string) {
	raw := a.Token
	if len(a.TokenParts) > 0 {
		var b strings.Builder
		for _, part := range a.TokenParts {
			b.WriteString(strings.Repeat(part.Text, max(1, part.Repeat)))
		}
		raw = b.String()
	}
	keys, err := a.set(t)
	if err != nil {
		return "deny", err.Error()
	}
	token, err := jws.Parse(raw, 0)
	if err != nil {
		return "deny", err.Error()
	}
	if !slices.Contains(a.AlgConfig.Algs, string(token.Alg)) {
		return "deny", "algorithm not listed"
	}
	if required := a.AlgConfig.KidRequired; !token.HasKid && strings.HasSuffix(a.Keys.Kind, "jwks") && (required == nil || *required) {
		return "deny", "no kid"
	}
	found, err := keys.Find(nil, query(token))
	if err != nil {
		return "deny", err.Error()
	}
	if !anyVerifies(found, token) {
		return "deny", "no candidate signed it"
	}
	return "allow", ""
}

func (a *attack) set(t *testing.T) (Set, error) {
	t.Helper()
	switch k := a.Keys; k.Kind {
	case "secret":
		key, err := NewSecret(fromStd(t, k.B64), Binding{})
		if err != nil {
			return nil, err
		}
		return NewStatic(key), nil
	case "pem":
		key, err := ParsePEM([]byte(k.PEM), Binding{})
		if err != nil {
			return nil, err
		}
		return NewStatic(key), nil
	case "jwks":
		return remoteOf(t, string(k.JWKS), ""), nil
	case "multi_jwks":
		var remotes []*Remote
		for _, s := range k.Sources {
			remotes = append(remotes, remoteOf(t, string(s.JWKS), s.Issuer))
		}
		return NewUnion(nil, remotes...), nil
	case "perkey":
		var keys []*Key
		for id, one := range k.Keys {
			b := Binding{ID: id, HasID: true}
			key, err := ParsePEM([]byte(one.PEM), b)
			if one.Kty == "oct" {
				key, err = NewSecret([]byte(one.K), b)
			}
			if err != nil {
				continue // this key can verify nothing, the others stay
			}
			keys = append(keys, key)
		}
		return NewStatic(keys...), nil
	default:
		t.Fatalf("unknown keys.kind %q", k.Kind)
		return nil, nil
	}
}

func fromStd(t *testing.T, text string) []byte {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func readLines(t *testing.T, path string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]byte
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(nil, 16<<20)
	for scan.Scan() {
		lines = append(lines, bytes.Clone(scan.Bytes()))
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
