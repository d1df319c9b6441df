package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// variables are those that the files under testdata and docs name.
func variables(name string) (string, bool) {
	value, ok := map[string]string{
		"HMAC":                  "a-made-up-secret-of-64-bytes-that-HS512-takes-as-well-0123456789",
		"ORDERS_HMAC":           "a-made-up-secret-of-64-bytes-that-HS512-takes-as-well-0123456789",
		"TOLLGATE_ADMIN_SECRET": "a-made-up-secret-of-the-admin-api-0123456789",
		"EMPTY":                 "",
	}[name]
	return value, ok
}

// check is the engine's own judgement, where every part that this build has is there.
func check(s authz.Spec) []authz.Problem {
	return authz.New(authz.Options{Credentials: parts{}, Restorer: parts{}, Revocations: parts{}, Limiter: authz.NewLimits(authz.LimitsOptions{})}).Check(s)
}

// parts stand where a service has its own; nothing is decided here.
type parts struct{}

func (parts) Find(context.Context, string, string) (*authz.Credential, error) {
	return nil, authz.ErrNoCredential
}

func (parts) Restore(context.Context, string, string) (string, error) { return "", authz.ErrNoToken }

func (parts) Ended(*authz.Revocable, time.Time) (bool, time.Duration) { return false, 0 }

// loaderOf loads a file with the variables of the tests.
func loaderOf(path string) *Loader { return &Loader{Path: path, Env: variables, Check: check} }

// TestBrokenFiles holds the problems of every testdata/bad/NAME.bad.yaml against
// NAME.want: one line for each, line:column and a part of the message.
func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.bad.yaml")
	if err != nil || len(files) < 80 {
		t.Fatalf("%d broken files (%v), want 80 at least", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".bad.yaml"), func(t *testing.T) {
			_, problems := loaderOf(path).Load(t.Context())
			want := expectations(t, strings.TrimSuffix(path, ".bad.yaml")+".want", problems)
			if len(problems) != len(want) {
				t.Errorf("%d problems, want %d:\n%s", len(problems), len(want), lines(problems))
				return
			}
			for i, p := range problems {
				place, fragment, _ := strings.Cut(want[i], " ")
				if fmt.Sprintf("%d:%d:", p.Line, p.Column) != place || !strings.Contains(p.String(), fragment) || p.File != path {
					t.Errorf("problem %d is\n\t%s\nwant\n\t%s:%s … %s", i, p, path, place, fragment)
				}
			}
		})
	}
}

// expectations reads a .want file. With -update a missing one is written.
func expectations(t *testing.T, path string, problems []Problem) []string {
	t.Helper()
	if _, err := os.Stat(path); err != nil && *update {
		var b strings.Builder
		for _, p := range problems {
			_, message, _ := strings.Cut(p.String(), ".bad.yaml:")
			place, rest, _ := strings.Cut(message, ": ")
			fmt.Fprintf(&b, "%s: %s\n", place, rest)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Split(strings.TrimSpace(read(t, path)), "\n")
}

// lines joins problems for messages.
func lines(problems []Problem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "\t%s\n", p)
	}
	return b.String()
}
