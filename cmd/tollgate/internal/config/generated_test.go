package config

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite schema.json and the reference in docs/configuration.md")

const (
	manual     = "../../../../docs/configuration.md"
	beginTable = "<!-- begin: every key -->\n"
	endTable   = "<!-- end: every key -->\n"
)

// TestGenerated holds schema.json and the reference against the Go types.
func TestGenerated(t *testing.T) {
	text := read(t, manual)
	before, rest, ok := strings.Cut(text, beginTable)
	_, after, ok2 := strings.Cut(rest, endTable)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the reference", manual)
	}
	for path, want := range map[string]string{
		"schema.json": string(Schema()),
		manual:        before + beginTable + "\n" + Reference() + endTable + after,
	} {
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, read(t, path)); diff != "" {
			t.Errorf("%s is not what the types say; run go generate here (-types +file):\n%s", path, diff)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
