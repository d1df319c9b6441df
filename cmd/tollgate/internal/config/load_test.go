package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

const fullExample = "../../../../docs/examples/full/tollgate.yaml"

// TestFullExample: the example of every setting loads; Tyk files are read by
// another package, which TestTheFullExampleLoads of the command has at hand.
func TestFullExample(t *testing.T) {
	_, problems := loaderOf(fullExample).Load(t.Context())
	var got []string
	for _, p := range problems {
		if p.Warning {
			continue
		}
		if !strings.Contains(p.What, notAvailable) {
			t.Errorf("not a part that is missing: %s", p)
		}
		got = append(got, filepath.Base(p.File)+p.At)
	}
	want := []string{
		"legacy.json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the parts that are refused (-want +got):\n%s", diff)
	}
}

// TestExampleVariables: the example names its variables in a file beside it.
func TestExampleVariables(t *testing.T) {
	listed := read(t, filepath.Join(filepath.Dir(fullExample), "variables"))
	l := loaderOf(fullExample)
	asked := map[string]bool{}
	l.Env = func(name string) (string, bool) {
		value, ok := variables(name)
		if ok {
			asked[name] = true
		}
		return value, ok
	}
	l.Load(t.Context())
	for name := range asked {
		if !strings.Contains(listed, "\n"+name+"=") {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestFeatures: every part that a tag names has its row, and every row its part.
func TestFeatures(t *testing.T) {
	rows, used := features(), map[string]bool{"tyk": true}
	walkFields(newForms().file, map[*form]bool{}, func(fd *field) {
		if fd.feature != "" {
			used[fd.feature] = true
			if _, ok := rows[fd.feature]; !ok {
				t.Errorf("%s needs %q, which has no row", fd.key, fd.feature)
			}
		}
	})
	for row := range rows {
		if !used[row] {
			t.Errorf("the row %q is used nowhere", row)
		}
	}
}

func walkFields(f *form, seen map[*form]bool, visit func(*field)) {
	for ; f != nil && !seen[f]; f = f.elem {
		seen[f] = true
		for _, fd := range f.fields {
			visit(fd)
			walkFields(fd.form, seen, visit)
		}
	}
}

// available gives forms in which nothing is missing.
func available() *forms {
	f := newForms()
	for name := range f.features {
		f.features[name] = true
	}
	return f
}

// TestSpec: what the example says arrives in the specification.
func TestSpec(t *testing.T) {
	l := loaderOf(fullExample)
	l.once.Do(l.prepare)
	one := newLoad(l)
	one.forms = available()
	c, ok := one.read(t.Context())
	if !ok {
		t.Fatal(lines(one.problems))
	}
	if got := c.Spec.APIs[0]; true {
		want := authz.APISpec{
			ID: "orders", Name: "Orders",
			Match:  []authz.MatchSpec{{Host: "api.example.com", Path: "/orders"}},
			Public: []authz.RouteSpec{{Methods: []string{"GET"}, Path: "/orders/health"}},
			Token:  authz.LocationSpec{Header: "Authorization"},
			Keys:   got.Keys,
			Claims: authz.ClaimsSpec{
				Audiences: []string{"orders"}, Typ: []string{"JWT", "at+jwt"}, Require: []string{"exp"},
				Issuers: []string{}, Subjects: []string{}, InsecureSkip: []string{},
				Rules: []authz.RuleSpec{{Claim: "realm.roles", Contains: []any{"buyer"}}, {Claim: "plan", Equals: []any{"pro"}, WarnOnly: true}},
			},
			Algorithms: []string{}, Identity: []string{"sub"},
			Policies: policies.SelectorSpec{
				Claims: []string{}, Default: []string{}, ScopeClaims: []string{"scope", "scp"},
				ScopeMap: map[string][]string{"admin": {"orders-admin"}, "orders:read": {"basic"}},
			},
			Split:     authz.SplitSpec{Mode: authz.SplitAllowed, MaxTTL: 24 * time.Hour},
			InjectSet: true,
			Inject:    []authz.InjectSpec{{Header: "x-user", Template: "$claims.sub"}, {Header: "x-plan", Template: "$meta.plan"}},
			Limits:    authz.APILimitsSpec{Mode: authz.LimitExact},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the API (-want +got):\n%s", diff)
		}
	}
	keys := c.Spec.APIs[0].Keys
	if keys[0].JWKS != "https://issuer.example/keys" || keys[0].Remote.Refresh != 5*time.Minute || keys[1].Discover != "https://issuer.example/" ||
		len(keys[2].Secret) != 64 || keys[2].Issuer != authz.IssuerAny || !strings.HasPrefix(string(keys[3].PEM), "-----BEGIN PUBLIC KEY") ||
		!json.Valid(keys[4].JWK) || !keys[5].Credentials {
		t.Errorf("the keys are not those of the file")
	}
	wantPolicies := []policies.Spec{
		{
			ID: "basic", RequireScopes: []string{},
			Rate: &policies.Rate{Requests: 100, Per: time.Minute}, Quota: &policies.Quota{Requests: 10000, Per: 24 * time.Hour},
			Access: []policies.AccessSpec{{API: "orders", Allow: []policies.AllowSpec{
				{Methods: []string{"GET"}, Path: "/orders/**"},
				{Methods: []string{"POST"}, Path: "/orders", Rate: &policies.Rate{Requests: 5, Per: time.Second}},
			}}},
			Meta: map[string]string{"plan": "basic"}, Tags: []string{"retail"},
		},
		{ID: "orders-admin", Access: []policies.AccessSpec{{API: "orders", All: true}}},
		{ID: "invoices-read", Access: []policies.AccessSpec{{API: "invoices", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/invoices/**"}}}}},
	}
	if diff := cmp.Diff(wantPolicies, c.Spec.Policies); diff != "" {
		t.Errorf("the policies (-want +got):\n%s", diff)
	}
}

// TestDefaults: the example shows the defaults, and a file that says nothing has
// the same.
func TestDefaults(t *testing.T) {
	written, empty := new(File), new(File)
	for f, data := range map[*File]string{written: read(t, fullExample), empty: "version: 1\n"} {
		d := &document{name: "tollgate.yaml", data: []byte(data)}
		if problems := d.parse(); problems != nil {
			t.Fatal(lines(problems))
		}
		decoder := &decoder{doc: d, forms: available()}
		decoder.decode(d.root, decoder.forms.file, reflect.ValueOf(f).Elem(), nil)
	}
	example := []string{"Seal", "Admin", "Include", "APIs", "Policies", "TokenEndpoints"} // whose values are made up
	a, b := reflect.ValueOf(written).Elem(), reflect.ValueOf(empty).Elem()
	for i := range a.NumField() {
		if name := a.Type().Field(i).Name; !slices.Contains(example, name) && !same(a.Field(i), b.Field(i)) {
			t.Errorf("%s: the example has\n%+v\nand the defaults are\n%+v", name, a.Field(i), b.Field(i))
		}
	}
}

// TestGoodFiles: these load without a word.
func TestGoodFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, path := range files {
		_, problems := loaderOf(path).Load(t.Context())
		if Broken(problems) {
			t.Errorf("%s:\n%s", path, lines(problems))
		}
	}
}

// dirOf writes files into a directory of their own.
func dirOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return dir
}

// TestProblemAsJSON is the form of validate -o json.
func TestProblemAsJSON(t *testing.T) {
	p := Problem{File: "a.yaml", Line: 2, Column: 3, At: "/log", What: "is wrong", Instead: "write right", Warning: true}
	got, err := json.Marshal(p)
	want := `{"severity":"warning","file":"a.yaml","line":2,"column":3,"at":"/log","what":"is wrong","instead":"write right"}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if got := p.String(); got != "a.yaml:2:3: warning: is wrong: write right" {
		t.Errorf("%q", got)
	}
}

// TestSecretsAreNotShown: whatever is printed, and whatever goes wrong.
func TestSecretsAreNotShown(t *testing.T) {
	const secret = "canary-5f2b1c"
	dir := dirOf(t, map[string]string{
		"secret": secret + "\n",
		"tollgate.yaml": `version: 1
answers: {realm: "env://CANARY", resource_metadata: "env://CANARY"}
store: {url: "redis://user:` + secret + `@host", password: ` + secret + `}
admin: {tokens: [{name: a, secret: file://secret, role: read}, {name: b, secret: "base64:Y2FuYXJ5LTVmMmIxYw", role: all}]}
apis:
  - id: a
    keys: [{secret: env://CANARY, issuer: any}, {pem: env://CANARY, issuer: env://CANARY}, {jwk: file://secret, issuer: any}]
    claims: {issuers: [env://CANARY], skew: {exp: ` + secret + secret + secret + secret + `}}
`,
	})
	l := loaderOf(filepath.Join(dir, "tollgate.yaml"))
	l.Env = env("CANARY=" + secret)
	c, problems := l.Load(t.Context())
	encoded, err := json.Marshal(c)
	must(t, err)
	dump := fmt.Sprintf("%v %+v %#v %s %v %+v %s", c, c, c, c, c.File, c.File, encoded)
	told, err := json.Marshal(problems)
	must(t, err)
	for _, text := range []string{dump, lines(problems), string(told)} {
		if strings.Contains(text, secret) || strings.Contains(text, "Y2FuYXJ5") {
			t.Errorf("a secret is shown in\n%s", text)
		}
	}
	if string(c.Admin.Tokens[0].Secret.Bytes()) != secret || string(c.Store.Password.Bytes()) != secret || c.Answers.Realm.Text() != secret {
		t.Error("the secrets did not arrive, so nothing was tested")
	}
}
