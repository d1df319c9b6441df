package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

func TestIncluded(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"apis/b.yaml": "", "apis/a.yaml": "", "apis/.hidden.yaml": "", "apis/c.json": "", "apis/deep/d.yaml": "",
		"other/a.yaml": "", "main.yaml": "", "..data/a.yaml": "",
	})
	for pattern, want := range map[string][]string{
		"apis/*.yaml":                        {"apis/a.yaml", "apis/b.yaml"},
		"apis/[ab].*":                        {"apis/a.yaml", "apis/b.yaml"},
		"*/a.yaml":                           {"apis/a.yaml", "other/a.yaml"},
		"apis/*":                             {"apis/a.yaml", "apis/b.yaml", "apis/c.json"},
		"apis/*/*.yaml":                      {"apis/deep/d.yaml"},
		"apis/.*.yaml":                       {"apis/.hidden.yaml"},
		"./apis/../apis/a.yaml":              {"apis/a.yaml"},
		"nowhere/*.yaml":                     nil,
		"nowhere.yaml":                       {"nowhere.yaml"}, // whoever reads it finds out
		filepath.Join(dir, "other", "*.ya*"): {"other/a.yaml"},
	} {
		got, err := included(dir, pattern)
		for i := range got {
			got[i], _ = filepath.Rel(dir, got[i])
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s (%v):\n%s", pattern, err, diff)
		}
	}
}

// TestFragments: positions, paths and references of included files are their own.
func TestFragments(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"tollgate.yaml":   "version: 1\ninclude: [\"parts/*.yaml\", parts/a.yaml]\n",
		"parts/a.yaml":    "apis:\n  - id: a\n    keys: [{secret: file://a.key, issuer: any}]\n    policies: {default: [p]}\n",
		"parts/b.yaml":    "log: {level: info}\npolicies:\n  - {id: p, access: {a: {allow: all}, b: {allow: all}}, tags: {}}\n",
		"parts/c.yaml":    "include: [a.yaml]\n",
		"parts/d.yaml":    "apis: [",
		"parts/a.key":     strings.Repeat("k", 64) + "\n",
		"parts/ignored.x": "{",
	})
	c, problems := loaderOf(filepath.Join(dir, "tollgate.yaml")).Load(t.Context())
	got := strings.ReplaceAll(lines(problems), dir+"/", "")
	want := `	parts/b.yaml:1:1: unknown key "log": write it in the main file; an included one has only apis and policies
	parts/b.yaml:3:63: tags wants a list, not keys with values: write [text]
	parts/c.yaml:1:1: unknown key "include": write it in the main file; an included one has only apis and policies
	parts/d.yaml:1:1: this is no YAML (did not find expected node content): check indentation and quotes from here on
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(c.Spec.APIs) != 1 || len(c.Spec.APIs[0].Keys[0].Secret) != 64 {
		t.Error("the fragment did not arrive")
	}
}

// TestUnreadableDirectory: fragments must not be gone silently.
func TestUnreadableDirectory(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"tollgate.yaml": "version: 1\ninclude: [\"apis/*.yaml\"]\n",
		"apis":          "a file where a directory is meant",
	})
	_, problems := loaderOf(filepath.Join(dir, "tollgate.yaml")).Load(t.Context())
	if got := lines(problems); !Broken(problems) || !strings.Contains(got, ":2:11: the pattern \"apis/*.yaml\" names a directory that cannot be read") {
		t.Errorf("the problems are\n%s", got)
	}
}

// TestDanglingAcrossBrokenFiles: what a broken file may define is not reported
// as missing.
func TestDanglingAcrossBrokenFiles(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"tollgate.yaml": "version: 1\ninclude: [p.yaml]\napis:\n  - {id: a, match: [{host: h}], keys: [{secret: env://HMAC, issuer: any}], policies: {default: [p]}}\n",
		"p.yaml":        "policies:\n  - id: p\n   access: {}\n",
	})
	_, problems := loaderOf(filepath.Join(dir, "tollgate.yaml")).Load(t.Context())
	if len(problems) != 1 || !strings.HasSuffix(problems[0].File, "p.yaml") {
		t.Errorf("the problems are\n%s", lines(problems))
	}
}

// TestBadSizes: what is too large is refused at once.
func TestBadSizes(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"pem.yaml": "version: 1\napis: [{id: a, keys: [{pem: file://huge.yaml}]}]\n",
	})
	huge, err := os.Create(filepath.Join(dir, "huge.yaml"))
	must(t, err)
	must(t, huge.Truncate(100<<20))
	must(t, huge.Close())
	for name, want := range map[string]string{
		"huge.yaml": "has 104857600 bytes; at most 16777216 are read",
		"pem.yaml":  "has 104857600 bytes; at most 1048576 are read",
	} {
		begin := time.Now()
		_, problems := (&Loader{Path: filepath.Join(dir, name), Env: variables}).Load(t.Context())
		if got := lines(problems); !strings.Contains(got, want) {
			t.Errorf("%s: the problems are\n%s", name, got)
		}
		if took := time.Since(begin); name == "huge.yaml" && took > 5*time.Second {
			t.Errorf("%s: refused after %v", name, took)
		}
	}
}

// TestTogether: neither may many files be too large together.
func TestTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(path)
	must(t, err)
	must(t, f.Truncate(maxFile))
	must(t, f.Close())
	var s source
	for range maxFiles / maxFile {
		if _, err := s.file(path, maxFile); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.file(path, maxFile); err == nil || !strings.Contains(err.Error(), "all files together") {
		t.Errorf("the error is %v", err)
	}
}

// TestChangesWhileRead: a load never mixes two versions of the files.
func TestChangesWhileRead(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"tollgate.yaml": "version: 1\ninclude: [p.yaml]\nanswers: {realm: first}\n",
		"p.yaml":        "policies: [{id: first}]\n",
	})
	path := filepath.Join(dir, "tollgate.yaml")
	version := 0
	l := loaderOf(path)
	publish := func(times int) func(string) {
		return func(read string) {
			if read == path && version < times {
				version++
				must(t, os.WriteFile(path+".new", fmt.Appendf(nil, "version: 1\ninclude: [p.yaml]\nanswers: {realm: second%d}\n", version), 0o600))
				must(t, os.Rename(path+".new", path))
				must(t, os.WriteFile(filepath.Join(dir, "p.yaml"), fmt.Appendf(nil, "policies: [{id: second%d}]\n", version), 0o600))
			}
		}
	}
	l.after = publish(1)
	c, problems := l.Load(t.Context())
	if Broken(problems) || c.Answers.Realm.Text() != "second1" || c.Spec.Policies[0].ID != "second1" {
		t.Errorf("%s of %v\n%s", c.Answers.Realm, c.Spec.Policies, lines(problems))
	}
	l.after = publish(1 << 30) // it never stops
	if _, problems = l.Load(t.Context()); len(problems) != 1 || !strings.Contains(problems[0].What, "changes while it is read") {
		t.Errorf("the problems are\n%s", lines(problems))
	}
}

// TestForeign: Tyk files go to their own reader, and its positions are kept.
func TestForeign(t *testing.T) {
	dir := dirOf(t, map[string]string{
		"tollgate.yaml":     "version: 1\ninclude: [\"tyk/*\"]\n",
		"tyk/classic.json":  `{"api_id": "c", "proxy": {"listen_path": "/c/"}, "use_keyless": true}`,
		"tyk/oas.json":      `{"openapi": "3.0.3", "x-tyk-api-gateway": {}}`,
		"tyk/policies.json": `{"gold": {"access_rights": {}, "rate": 1}}`,
		"tyk/list.json":     `[{"access_rights": {}, "id": "silver"}]`,
		"tyk/tyk.conf":      `{"listen_port": 8080, "secret": "s", "policies": {"policy_source": "file"}}`,
		"tyk/native.yaml":   "policies: [{id: ours}]\n",
	})
	l := loaderOf(filepath.Join(dir, "tollgate.yaml"))
	var names []string
	l.Foreign = func(in ForeignInput) ForeignResult {
		settings, files := in.Settings, in.Files
		for _, f := range files {
			names = append(names, filepath.Base(f.Path))
		}
		return ForeignResult{
			Policies: []policies.Spec{{ID: "ours"}, {ID: "gold"}},
			Problems: []Problem{{File: "classic.json", What: "keyless", Warning: true}},
			Locate: func(section string, nth int, pointer string) Problem {
				return Problem{File: fmt.Sprint(section, nth, pointer, settings.Merge)}
			},
		}
	}
	l.Check = func(s authz.Spec) []authz.Problem {
		return []authz.Problem{{At: "/policies/1/id", What: "policy is there twice"}, {At: "/policies/0/id", What: "and here"}}
	}
	c, problems := l.Load(t.Context())
	if diff := cmp.Diff([]string{"classic.json", "list.json", "oas.json", "policies.json", "tyk.conf"}, names); diff != "" {
		t.Error(diff)
	}
	if c.Spec.Merge != policies.MergeTyk || len(c.Spec.Policies) != 3 {
		t.Errorf("%v, %d policies", c.Spec.Merge, len(c.Spec.Policies))
	}
	got := strings.ReplaceAll(lines(problems), dir+"/", "")
	for _, want := range []string{"\tpolicies0/idtyk: policy is there twice\n", "\tclassic.json: warning: keyless\n", "\ttyk/native.yaml:1:17: and here\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
