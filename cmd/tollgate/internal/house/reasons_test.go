package house

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
)

var update = flag.Bool("update", false, "rewrite docs/reasons.md")

const reasonsHead = `# Reason codes

Every denial has one code, the same in ` + "`x-tollgate-reason`" + `, the body, the log, the metrics, the dynamic
metadata, explain and here. This page is generated from the table in the code.

With ` + "`answers.reasons: public`" + ` (the default) clients are not told apart what is wrong before a token is
authenticated: the last column says which code they see instead. Log, metrics, metadata and explain
have the exact one.

| code | HTTP | gRPC | text of the answer | usual cause, and where to look | clients see |
|---|---:|---:|---|---|---|
`

// TestReasonsPage holds docs/reasons.md against the table of authz.
func TestReasonsPage(t *testing.T) {
	var page strings.Builder
	page.WriteString(reasonsHead)
	for _, row := range authz.Rows() {
		public := "the same"
		if row.Public != row.Reason {
			public = "`" + string(row.Public) + "`"
		}
		fmt.Fprintf(&page, "| <a id=\"%s\"></a>`%s` | %d | %d | %s | %s | %s |\n", row.Reason, row.Reason, row.Status, row.GRPC, cell(row.Text), cell(row.Hint), public)
	}
	path := filepath.Join(root, "docs", "reasons.md")
	if *update {
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(page.String(), string(text)); diff != "" {
		t.Errorf("docs/reasons.md is not what the table says; run go generate here (-table +page):\n%s", diff)
	}
}

// cell is text that can stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
