package config

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// quick is how long the refusal of a bad file may take: a second, on a machine
// that has nothing else to do.
const quick = 5 * time.Second

// TestBadInput puts what should never be a configuration into the place of one that
// is in force. Each is refused with a place and in time, and nothing is lost: the
// one before stays, and the next good file is taken.
func TestBadInput(t *testing.T) {
	repeated := func(size int, line string) string { return "version: 1\n" + strings.Repeat(line, size/len(line)) }
	bomb := func(base, each string) string { // nine times nine times nine …: gigabytes
		var b strings.Builder
		b.WriteString("version: 1\na0: &a0 " + base + "\n")
		for i := range 12 {
			fmt.Fprintf(&b, "a%d: &a%d %s\n", i+1, i+1, strings.ReplaceAll(each, "A", fmt.Sprintf("*a%d", i)))
		}
		return b.String() + "apis: *a12\n"
	}
	api := "apis: [{id: a, match: [{host: h}], keys: [{secret: env://HMAC, issuer: any}], claims: {audiences: [x]}, policies: {default: [p]}}]\n"
	for name, test := range map[string]struct {
		files map[string]string // tollgate.yaml and what it names
		want  []string          // file:line of problems, and a part of each
	}{
		"a file of 100 MB":            {map[string]string{"tollgate.yaml": repeated(100<<20, "# 100 MB of it\n")}, []string{"tollgate.yaml: the file has 104857", "at most 16777216 are read"}},
		"an included file of 100 MB":  {map[string]string{"tollgate.yaml": "version: 1\ninclude: [p.yaml]\n", "p.yaml": repeated(100<<20, "# 100 MB of it\n")}, []string{"tollgate.yaml:2:11: p.yaml has 104857", "at most 16777216 are read"}},
		"many megabytes of a list":    {map[string]string{"tollgate.yaml": repeated(4<<20, "- {a: [b, c]}\n")}, []string{"tollgate.yaml:"}},
		"lists that expand":           {map[string]string{"tollgate.yaml": bomb("[x, x, x, x, x, x, x, x, x]", "[A, A, A, A, A, A, A, A, A]")}, []string{"tollgate.yaml:"}},
		"texts that expand":           {map[string]string{"tollgate.yaml": bomb(strings.Repeat("x", 100_000), "[A, A, A, A, A, A, A, A, A]")}, []string{"tollgate.yaml:"}},
		"merges that expand":          {map[string]string{"tollgate.yaml": bomb("{k: v}", "{<<: [A, A, A, A, A, A, A, A, A]}")}, []string{"tollgate.yaml:"}},
		"an anchor that holds itself": {map[string]string{"tollgate.yaml": "version: 1\napis: &a [*a]\n"}, []string{"tollgate.yaml:2:"}},
		"deep nesting":                {map[string]string{"tollgate.yaml": "version: 1\napis: " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "\n"}, []string{"tollgate.yaml:"}},
		"deep nesting by blanks":      {map[string]string{"tollgate.yaml": "version: 1\napis:\n" + nested(2000)}, []string{"tollgate.yaml:"}},
		"a file that includes itself": {map[string]string{"tollgate.yaml": "version: 1\ninclude: [tollgate.yaml]\n"}, []string{"tollgate.yaml:2:11: the pattern \"tollgate.yaml\" includes this file itself"}},
		"files that include each other": {map[string]string{
			"tollgate.yaml": "version: 1\ninclude: [a.yaml, b.yaml]\n", "a.yaml": "include: [b.yaml]\n", "b.yaml": "include: [a.yaml]\n",
		}, []string{"a.yaml:1:1: unknown key \"include\"", "b.yaml:1:1: unknown key \"include\""}},
		"one id in two files": {map[string]string{
			"tollgate.yaml": "version: 1\ninclude: [p.yaml, q.yaml]\n" + api, "p.yaml": "policies: [{id: p}]\n", "q.yaml": api + "policies:\n  - id: p\n",
		}, []string{"q.yaml:1:13: two APIs have the id a", "q.yaml:3:9: policy \"p\" is there twice"}},
		"tabs and blanks":   {map[string]string{"tollgate.yaml": "version: 1\nlog:\n\tlevel: info\n  format: json\n"}, []string{"tollgate.yaml:3:"}},
		"tabs after blanks": {map[string]string{"tollgate.yaml": "version: 1\nlog:\n  level: info\n \tformat: json\n"}, []string{"tollgate.yaml:"}},
		"bytes":             {map[string]string{"tollgate.yaml": "version: 1\nlog: {level: \xff\xfe}\n"}, []string{"tollgate.yaml:2:"}},
		"NULs":              {map[string]string{"tollgate.yaml": strings.Repeat("\x00", 1<<20)}, []string{"tollgate.yaml:"}},
	} {
		t.Run(name, func(t *testing.T) { refusedInTime(t, test.files, test.want, nil) })
	}
}

// nested is a mapping in a mapping in a mapping.
func nested(depth int) string {
	var b bytes.Buffer
	for i := range depth {
		b.Write(bytes.Repeat([]byte(" "), i+1))
		b.WriteString("a:\n")
	}
	return b.String()
}

// TestFileThatChangesWhileItIsRead: a file that somebody rewrites during every
// attempt is refused, and read when they are done.
func TestFileThatChangesWhileItIsRead(t *testing.T) {
	version := 0
	refusedInTime(t, map[string]string{"tollgate.yaml": "version: 1\nanswers: {realm: half}\n"}, []string{"changes while it is read"}, func(path string) {
		version++
		must(t, os.WriteFile(path, fmt.Appendf(nil, "version: 1\nanswers: {realm: half%d}\n", version), 0o600))
	})
}

// judging takes what the engine would.
type judging struct{ counting }

func (j *judging) Check(s authz.Spec) []authz.Problem { return check(s) }

func (j *judging) Compile(ctx context.Context, s authz.Spec) (*authz.Snapshot, []authz.Problem) {
	if found := check(s); len(found) > 0 {
		return nil, found
	}
	return j.counting.Compile(ctx, s)
}

// refusedInTime replaces a good configuration by files that are none; during is
// called whenever a file was read.
func refusedInTime(t *testing.T, files map[string]string, want []string, during func(path string)) {
	t.Helper()
	dir := dirOf(t, map[string]string{"tollgate.yaml": "version: 1\nanswers: {realm: good}\n"})
	path, engine := filepath.Join(dir, "tollgate.yaml"), &judging{}
	loader := loaderOf(path)
	r := NewReloader(ReloaderOptions{Loader: loader, Engine: engine})
	if _, problems := r.Start(t.Context()); Broken(problems) {
		t.Fatal(problems)
	}
	for name, text := range files {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	loader.after = during
	begin := time.Now()
	_, status := r.attempt(t.Context(), TriggerSignal)
	took := time.Since(begin)
	loader.after = nil
	got := strings.ReplaceAll(lines(status.Attempted.Problems), dir+"/", "")
	for _, part := range want {
		if !strings.Contains(got, part) {
			t.Errorf("%q is not in\n%s", part, got[:min(len(got), 2000)])
		}
	}
	if took > quick {
		t.Errorf("refused after %v", took)
	}
	if !Broken(status.Attempted.Problems) || engine.swapped != 1 || engine.realm != "good" || status.Applied.Generation != 1 || status.Failed != 1 {
		t.Errorf("%s is in force after %d swaps: %+v", engine.realm, engine.swapped, status.Applied)
	}
	must(t, os.WriteFile(path, []byte("version: 1\nanswers: {realm: better}\n"), 0o600))
	if _, status := r.attempt(t.Context(), TriggerSignal); !status.Attempted.OK() || engine.realm != "better" {
		t.Errorf("the next good file is not taken: %s", lines(status.Attempted.Problems))
	}
	t.Logf("refused after %v", took)
}
