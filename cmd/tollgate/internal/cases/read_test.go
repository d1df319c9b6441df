package cases

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = `config: {version: 1}
keys: {k: {alg: HS256}}
request: {url: http://h/}
`

// Every mistake has its position and says what to write instead.
func TestMistakesHavePositions(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":            {"", []string{"f: the file is empty: write config and cases"}},
		"no YAML":          {"a: [", []string{"f:1: did not find expected node content"}},
		"a list":           {"[]", []string{"f:1:1: a case file is not a mapping: write a mapping, or leave the key out"}},
		"nothing in it":    {"about: x\n", []string{"f:1:1: config is missing: write config: and the path", "f:1:1: there are no cases: write at least one"}},
		"unknown keys":     {head + "casse: []\ncases:\n- nam: x\n  expcet: {}\n", []string{"f:4:1: unknown key casse: did you mean cases?", "f:6:3: unknown key nam: did you mean name?", "f:7:3: unknown key expcet: did you mean expect?"}},
		"twice":            {head + "cases: [{name: a, name: b, expect: {decision: deny}}]\n", []string{"f:4:19: the key name is there already: write it once"}},
		"wrong shapes":     {head + "cases: [{name: [a], repeat: x, expect: [], request: {headers: 7}}]\n", []string{"f:4:16: name is not one value", "f:4:29: repeat is not a whole number", "f:4:40: expect is not a mapping"}},
		"headers":          {head + "cases: [{name: a, expect: {decision: deny}, request: {headers: 7}}]\n", []string{"f:4:64: headers is a mapping from name to value"}},
		"time":             {head + "time: noon\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:4:7: time is a moment after RFC 3339"}},
		"token":            {head + "cases: [{name: a, token: no, expect: {decision: deny}}]\n", []string{"f:4:26: token is a mapping, or none"}},
		"config":           {"config: [a]\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:1:9: config is the path of a configuration"}},
		"null":             {head + "cases: [{name: , expect: {decision: deny}}]\n", []string{"f:4:16: name is empty"}},
		"meaning":          {head + "cases: [{name: a, repeat: 20000, token: {key: q}, expect: {decision: perhaps, reason: token_exipred}}]\n", []string{"f:4:27: repeat is out of range", "f:4:47: the key q is not under keys: there are k", "f:4:70: unknown decision perhaps", "f:4:87: unknown reason code token_exipred: did you mean token_expired?"}},
		"no decision":      {head + "cases: [{name: a, expect: {status: 401}}]\n", []string{"f:4:27: expect does not say the decision"}},
		"no name":          {head + "cases: [{expect: {decision: deny}}]\n", []string{"f:4:9: a case without a name"}},
		"one name":         {head + "cases: [{name: a, expect: {decision: deny}}, {name: a, expect: {decision: deny}}]\n", []string{"f:4:53: two cases are called a"}},
		"url":              {"config: x\ncases: [{name: a, request: {url: /a}, expect: {decision: deny}}]\n", []string{"f:2:34: the request has no URL with scheme and host"}},
		"algorithm":        {"config: x\nkeys: {k: {alg: HS1}}\nrequest: {url: 'http://h/'}\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:2:17: unknown algorithm \"HS1\" of key k: use one of HS256"}},
		"which key":        {"config: x\nkeys: {k: {alg: HS256}, l: {alg: HS256}}\nrequest: {url: 'http://h/'}\ncases: [{name: a, token: {}, expect: {decision: deny}}]\n", []string{"f:4:26: the token does not say which key signs it: write key, one of k, l"}},
		"tamper":           {head + "cases: [{name: a, token: {tamper: all}, expect: {decision: deny}}]\n", []string{"f:4:35: unknown tamper all"}},
		"credential":       {head + "credentials: [{}, {id: a, secrets: q, policies: [p], expires: soon}]\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:4:63: a moment is written after RFC 3339"}},
		"whose key":        {head + "credentials: [{}, {id: a, secrets: q, policies: [p]}]\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:4:15: a credential without an id: write id", "f:4:15: a credential without a policy", "f:4:15: a credential without a key", "f:4:36: the key q is not under keys"}},
		"revocation":       {head + "revocations: [{kind: jit, value: x}]\ncases: [{name: a, expect: {decision: deny}}]\n", []string{"f:4:22: unknown kind jit: did you mean jti?"}},
		"split":            {head + "cases: [{name: a, token: {split: {}}, expect: {decision: deny}}]\n", []string{"f:4:34: split does not say which API keeps the token"}},
		"store":            {head + "cases: [{name: a, store: {stale: soon, gone: true}, expect: {decision: deny}}]\n", []string{"f:4:40: unknown key gone: use one of away, stale"}},
		"stale":            {head + "cases: [{name: a, store: {stale: soon}, expect: {decision: deny}}]\n", []string{"f:4:34: a length of time is written as 40s"}},
		"endless nesting":  {head + "cases: &a [*a]\n", []string{"f:4:8: cases[0] is not a mapping"}},
		"expanding anchor": {"a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n", []string{"f:1:1: unknown key a"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse("f", []byte(test.text))
			if err == nil {
				t.Fatal("no mistake was found")
			}
			lines := strings.Split(err.Error(), "\n")
			for i, want := range test.want {
				if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
					t.Errorf("%q is not where it belongs in\n%s", want, err)
				}
			}
		})
	}
}

func TestStageKeepsPositions(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("extra.yaml", "apis:\n- id: more\n  keys: [{jwk: 'env://S', wrong: 1}]\n")
	path := write("f.case.yaml", `config:
  version: 1
  include: [extra.yaml]
  apis:
  - id: a
    keys:
    - discover: https://issuer.example/
      refresh: 5m
    - {discover: "https://issuer.example/", surprise: 1}
    - {pem: file://other.pem}
  surprise: 2
keys:
  issuer: {alg: ES256, for: [https://issuer.example/, env://S]}
request: {url: http://h/}
cases: [{name: a, expect: {decision: deny}}]
`)
	results := (&Runner{Surfaces: []Surface{Direct(Parts{})}}).Run(t.Context(), path)
	if len(results) != 1 {
		t.Fatalf("%v", results)
	}
	for _, want := range []string{
		path + ":9:45: ",
		path + ":11:3: ",
		path + ":10:13: file://" + filepath.Join(dir, "other.pem"),
		filepath.Join(dir, "extra.yaml") + ":3:27: ",
	} {
		if !strings.Contains(results[0].Error, want) {
			t.Errorf("%q is not in\n%s", want, results[0].Error)
		}
	}
}

func TestStandInsMustStandSomewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.case.yaml")
	for name, text := range map[string]string{
		"env://NOBODY, which a key stands for": "config: {version: 1}\nkeys: {k: {alg: HS256, for: env://NOBODY}}\nrequest: {url: http://h/}\ncases: [{name: a, expect: {decision: deny}}]\n",
		"env://NOBODY, which has a value":      "config: {version: 1}\nvalues: {env://NOBODY: x}\nrequest: {url: http://h/}\ncases: [{name: a, expect: {decision: deny}}]\n",
		"where no key belongs":                 "config: {version: 1, answers: {realm: env://K}}\nkeys: {k: {alg: HS256, for: env://K}}\nrequest: {url: http://h/}\ncases: [{name: a, expect: {decision: deny}}]\n",
		"a secret stands where the ES256":      "config: {version: 1, apis: [{id: a, keys: [{secret: env://K}]}]}\nkeys: {k: {alg: ES256, for: env://K}}\nrequest: {url: http://h/}\ncases: [{name: a, expect: {decision: deny}}]\n",
		"has no public half":                   "config: {version: 1, apis: [{id: a, keys: [{pem: env://K}]}]}\nkeys: {k: {alg: HS256, for: env://K}}\nrequest: {url: http://h/}\ncases: [{name: a, expect: {decision: deny}}]\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		results := (&Runner{Surfaces: []Surface{Direct(Parts{})}}).Run(t.Context(), path)
		if len(results) != 1 || !strings.Contains(results[0].Error, name) {
			t.Errorf("%s: %v", name, results)
		}
	}
}

// What a file says of the store must be possible with the configuration.
func TestStatesThatCannotBe(t *testing.T) {
	const plain = "config: {version: 1, apis: [{id: a, match: [{host: h}], keys: [{secret: env://K, issuer: any}], claims: {insecure_any_audience: true}, policies: {default: [p]}MORE}], policies: [{id: p, access: {a: {allow: all}}}]}\n" +
		"keys: {k: {alg: HS256, for: env://K}, stranger: {alg: HS256}}\nrequest: {url: http://h/}\n"
	const more = ", split: allowed"
	path := filepath.Join(t.TempDir(), "f.case.yaml")
	for name, test := range map[string]struct{ more, text string }{
		"keeps nothing in a store":                {"", "credentials: [{id: a, secrets: k, policies: [p]}]\ncases: [{name: a, expect: {decision: deny}}]\n"},
		"credential a: invalid key":               {more, "credentials: [{id: a, secrets: [k, k, k], policies: [p]}]\ncases: [{name: a, expect: {decision: deny}}]\n"},
		"revocation 1: no such revocation":        {more, "revocations: [{kind: jti}]\ncases: [{name: a, expect: {decision: deny}}]\n"},
		"splitting the token on a: token_expired": {more, "cases: [{name: a, token: {key: k, claims: {exp: -1s}, split: a}, expect: {decision: deny}}]\n"},
		"splitting the token on b: api_unknown":   {more, "cases: [{name: a, token: {key: k, claims: {exp: +1h}, split: b}, expect: {decision: deny}}]\n"},
		"no API knows it":                         {more, "cases: [{name: a, token: {key: stranger, revoked: true}, expect: {decision: deny}}]\n"},
		"nothing in a store: it has neither":      {"", "cases: [{name: a, token: {key: k, revoked: true}, expect: {decision: deny}}]\n"},
		"in a store: it has neither credentials":  {"", "cases: [{name: a, store: {stale: 1m}, expect: {decision: deny}}]\n"},
	} {
		if err := os.WriteFile(path, []byte(strings.Replace(plain, "MORE", test.more, 1)+test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		results := (&Runner{Surfaces: []Surface{Direct(Parts{})}}).Run(t.Context(), path)
		if len(results) != 1 || !strings.Contains(results[0].Error, name) {
			t.Errorf("%s: %v", name, results)
		}
	}
}

func TestFindRefusesAnEmptyFolder(t *testing.T) {
	if found, err := Find(t.TempDir()); err == nil {
		t.Errorf("found %v", found)
	}
	if _, err := Find(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent folder is no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(head + "cases: [{name: a, token: {claims: {exp: +1h}}, expect: {decision: deny, steps: [a, {step: b}]}}]\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse("f", data)
		if (file == nil) == (err == nil) {
			t.Errorf("file %v, error %v", file, err)
		}
		if file == nil {
			return
		}
		// What was taken can be asked about.
		for i := range file.Cases {
			if _, err := file.Request.with(file.Cases[i].Request).described(""); err != nil {
				t.Errorf("a file was taken whose request is none: %v", err)
			}
		}
	})
}
