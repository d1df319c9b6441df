package config

import (
	"strings"
	"testing"
)

// TestJSON: files of JSON with what YAML would take differently.
func TestJSON(t *testing.T) {
	for data, want := range map[string]string{
		"{\n\t\"version\": 1,\n\t\"answers\": {\"realm\": \"\\ud83d\\ude00\"}\n}": "😀",
		`{"version":1,"answers":{"realm":"a\/b\u00e9"}}`:                          "a/bé",
		"  {\"version\": 1, \"answers\": {\"realm\":\t\"x\"}}":                    "x",
	} {
		f, problems := decoded([]byte(data))
		if len(problems) > 0 || f.Answers.Realm.Text() != want {
			t.Errorf("%s: %q\n%s", data, f.Answers.Realm.Text(), lines(problems))
		}
	}
}

func TestBrokenJSON(t *testing.T) {
	for data, want := range map[string]string{
		"{\n\t\"version\": 1\n\t\"log\": {\"level\": \"info\"}\n}": "f.json:3:2: this is no JSON",
		"{\"version\": 1":       "f.json:1:13: this is no JSON (unexpected end of JSON input)",
		"{\"a\": 1}\n{\"b\": 2": "f.json:2:1: this is no JSON",
	} {
		d := &document{name: "f.json", data: []byte(data)}
		if got := lines(d.parse()); !strings.Contains(got, want) {
			t.Errorf("%q: no %q in\n%s", data, want, got)
		}
	}
}

// TestNumbersAreWritten: numbers of meta and of claim rules keep their spelling.
func TestNumbersAreWritten(t *testing.T) {
	f, problems := decoded([]byte("version: 1\npolicies: [{id: a, meta: {x: 1.50, y: true, z: 2024-01-01}}]\n"))
	if len(problems) > 0 {
		t.Fatal(lines(problems))
	}
	got := ""
	for _, e := range f.Policies[0].Meta {
		got += e.Key + "=" + e.Value.Text() + " "
	}
	if got != "x=1.50 y=true z=2024-01-01 " {
		t.Error(got)
	}
}
