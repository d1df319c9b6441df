package tyk

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/policies"
)

// TestMistyped: a definition or policy in which each field has a value of another
// type tells each of them, at its place and in Tyk's spelling.
func TestMistyped(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"classic", `{"api_id": 1, "org_id": [], "enable_jwt": "yes", "jwt_signing_method": {}, "jwt_source": 7, "jwt_jwks_uris": "x",
 "jwt_identity_base_field": 5, "jwt_skip_kid": "no", "jwt_policy_field_name": [], "jwt_default_policies": "p", "scopes": [],
 "jwt_expires_at_validation_skew": "1s", "strip_auth_data": 1, "auth_configs": [], "proxy": "x", "global_rate_limit": 5, "active": "x"}`},
		{"policy", `{"access_rights": {"a": {"allowed_urls": {}, "limit": [], "versions": 1, "endpoints": "x"}}, "id": [], "org_id": 5, "rate": "3",
 "quota_max": "x", "is_inactive": "no", "tags": "x", "partitions": [], "meta_data": []}`},
	} {
		l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(tt.text)}}, Options{})
		told := map[string]bool{}
		for _, f := range l.Findings {
			if f.Error {
				told[f.Field] = true
				if f.Line == 0 || f.Column == 0 || f.File != "x.json" {
					t.Errorf("no place: %+v", f)
				}
			}
		}
		var doc map[string]any
		if err := json.Unmarshal([]byte(tt.text), &doc); err != nil {
			t.Fatal(err)
		}
		for name := range doc {
			if name == "access_rights" {
				continue
			}
			if !slices.ContainsFunc(slices.Collect(maps.Keys(told)), func(f string) bool { return f == name || strings.HasPrefix(f, name+".") }) {
				t.Errorf("%s: nothing tells that %s is mistyped: %v", tt.name, name, slices.Sorted(maps.Keys(told)))
			}
		}
		if tt.name == "policy" {
			for _, name := range []string{"allowed_urls", "versions", "endpoints"} {
				if !told["access_rights.a."+name] {
					t.Errorf("access_rights.a.%s: %v", name, slices.Sorted(maps.Keys(told)))
				}
			}
		}
	}
}

// TestBadFiles: what cannot be loaded is told at its place.
func TestBadFiles(t *testing.T) {
	good := string(mustJSON(t, base("classic")))
	for _, tt := range []struct {
		name  string
		files []string
		want  string
	}{
		{"no JSON", []string{`{"api_id": `}, "x0.json:1:1: the file: it cannot be read as JSON"},
		{"nothing", []string{``}, "x0.json:1:1: the file: it cannot be read as JSON"},
		{"a number", []string{`5`}, "x0.json:1:1: the file: it is no file of Tyk that is known"},
		{"another's", []string{`{"name": "package", "scripts": {}}`}, "x0.json:1:1: the file: it is no file of Tyk that is known"},
		{"an id twice", []string{good, good}, `api_id: another definition has the id "a"`},
		{"a policy twice", []string{`{"p": {"access_rights": {}}}`, `[{"id": "p", "access_rights": {}}]`}, `another policy of this org has the id "p"`},
		{"a member twice", []string{strings.Replace(good, `{`, `{"api_id": "b", `, 1)}, "api_id: the member occurs twice"},
		{"no id", []string{`{"enable_jwt": true, "jwt_source": "YQ==", "proxy": {"listen_path": "/a/"}, "name": "x"}`}, "api_id: the definition has no id"},
		{"no id of a policy", []string{`{"access_rights": {}}`}, "id: the policy has no id"},
		{"two tyk.conf", []string{`{"hash_keys": true}`, `{"hash_keys": true}`}, "there is another tyk.conf"},
		{"a host pattern", []string{strings.Replace(good, `{`, `{"domain": "{x:.*}", `, 1)}, "domain: a pattern of hosts cannot be kept"},
		{"the body in a header", []string{withHeader("$tyk_context.request_data.a")}, `version_data.versions.Default.global_headers.X-A: the variable "request_data.a" needs the body of the request`},
		{"an unknown variable in a header", []string{withHeader("a $tyk_context.geo b")}, `version_data.versions.Default.global_headers.X-A: there is no variable "geo" of the context here`},
		{"a negative skew", []string{strings.Replace(good, `{`, `{"jwt_expires_at_validation_skew": -5, `, 1)}, "jwt_expires_at_validation_skew: it is negative"},
		{"not a number", []string{`{"id": "p", "access_rights": {}, "rate": .nan}`}, "rate: it is not a number"},
	} {
		var files []config.ForeignFile
		for i, text := range tt.files {
			files = append(files, config.ForeignFile{Path: fmt.Sprintf("x%d.json", i), Data: []byte(text)})
		}
		var all []string
		for _, f := range Load(files, Options{}).Findings {
			if f.Error {
				all = append(all, f.String())
			}
		}
		if !slices.ContainsFunc(all, func(text string) bool { return strings.Contains(text, tt.want) }) {
			t.Errorf("%s: %q, not %q", tt.name, all, tt.want)
		}
	}
}

// TestMembersOfAnotherCase: Tyk reads members whatever their case, so one that is
// spelled differently here must not be passed over.
func TestMembersOfAnotherCase(t *testing.T) {
	for text, field := range map[string]string{
		`{"id": "p", "Is_Inactive": true, "access_rights": {}}`:                                                     "Is_Inactive",
		`{"id": "p", "is_inactive": false, "IS_INACTIVE": true, "access_rights": {}}`:                               "IS_INACTIVE",
		`{"id": "p", "access_rights": {"a": {"Allowed_URLs": [{"url": "/x", "methods": ["GET"]}]}}}`:                "access_rights.a.Allowed_URLs",
		`{"id": "p", "access_rights": {"a": {"limit": {"Quota_Max": 5}}}}`:                                          "access_rights.a.limit.Quota_Max",
		strings.Replace(string(mustJSON(t, base("classic"))), `{`, `{"Active": false, `, 1):                         "Active",
		strings.Replace(string(mustJSON(t, base("classic"))), `{`, `{"Use_Basic_Auth": true, `, 1):                  "Use_Basic_Auth",
		strings.Replace(string(mustJSON(t, base("extension"))), `"info":{`, `"info":{"State":{"active":false},`, 1): "x-tyk-api-gateway.info.State",
	} {
		l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(text)}}, Options{})
		if !slices.ContainsFunc(l.Findings, func(f Finding) bool { return f.Error && f.Field == field && f.Line > 0 }) {
			t.Errorf("%s: nothing is wrong with %s: %v", text, field, l.Findings)
		}
	}
	if _, err := ReadSession([]byte(`{"apply_policies": ["p"], "Is_Inactive": true}`), SessionOptions{}); err == nil {
		t.Error("a key that Tyk holds to be inactive is taken as an active one")
	}
	// Names that people choose may differ by their case only.
	two := strings.NewReplacer(`"jwtAuth":{"enabled"`, `"JWTAuth":{"enabled":false},"jwtAuth":{"enabled"`).Replace(string(mustJSON(t, base("extension"))))
	if l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(two)}}, Options{}); len(l.Findings) > 0 || l.APIs[0].Inactive {
		t.Errorf("two schemes: %v", l.Findings)
	}
}

// TestFilesAreNoYAML: what YAML has beyond JSON is refused where it stands, before
// it can expand without end or bring in members that are not looked at.
func TestFilesAreNoYAML(t *testing.T) {
	bomb := `{"api_id": "a", "a0": &a0 [x, x, x, x, x, x, x, x, x]`
	for i := range 12 {
		bomb += fmt.Sprintf(`, "a%d": &a%d [%s*a%d]`, i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
	}
	for name, text := range map[string]string{
		"an anchor that holds itself": `{"api_id": "a", "enable_jwt": true, "x": &a [*a]}`,
		"lists that expand":           bomb + "}",
		"an alias":                    `{"id": "p", "access_rights": {"a": &a {}, "b": *a}}`,
		"a merged member":             "api_id: a\nenable_jwt: true\nx: &x {use_basic_auth: true}\n<<: *x\n",
		"a member merged in place":    "api_id: a\nenable_jwt: true\n<<: {use_basic_auth: true}\n",
	} {
		l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(text)}}, Options{})
		if len(l.Findings) != 1 || !l.Findings[0].Error || !strings.Contains(l.Findings[0].Reason, "has no") || len(l.APIs)+len(l.Policies) > 0 {
			t.Errorf("%s: %v, %d APIs", name, l.Findings, len(l.APIs))
		}
	}
	if l := Load([]config.ForeignFile{{Path: "x.json", Data: []byte(`{"id": "p", "access_rights": {}, "meta_data": {"<<": "x"}}`)}}, Options{}); len(l.Findings) > 0 {
		t.Errorf("a name in quotes: %v", l.Findings)
	}
}

// TestPatternsThatTykCannotCompile: they grant nothing, also where they would fit
// into what is written around them here.
func TestPatternsThatTykCannotCompile(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		for _, pattern := range []string{"/a)|(?:b", "/a)(?:", "/x)|(/y", "^/x)|(/y$", ")"} {
			p := &paths{legacy: func(string) bool { return legacy }, listen: map[string]string{"a": "/api"}, known: map[[2]string]string{}}
			if got, ok := p.pattern("a", pattern); ok {
				t.Errorf("%s becomes %s", pattern, got)
			}
		}
	}
}

// withHeader is a definition that sends a header.
func withHeader(value string) string {
	return `{"api_id": "a", "enable_jwt": true, "jwt_signing_method": "hmac", "jwt_source": "YQ==", "enable_context_vars": true, "proxy": {"listen_path": "/a/"},
 "version_data": {"not_versioned": true, "versions": {"Default": {"global_headers": {"X-A": "` + value + `"}}}}}`
}

// seeds are definitions and policies of the records for the fuzzer.
func seeds(f *testing.F, kind string) {
	for _, r := range recordsOf(f) {
		for _, a := range r.APIs {
			if a.Kind == kind {
				f.Add([]byte(expand(string(a.Def), "https://issuer.example")))
			}
		}
		for _, p := range r.Policies {
			if kind == "policy" {
				f.Add([]byte(p))
			}
		}
	}
}

// fuzzLoad loads one file: it never panics, says everything twice the same, and
// what it takes the engine takes or refuses with a reason.
func fuzzLoad(f *testing.F) {
	engine := authz.New(authz.Options{Limiter: authz.NewLimits(authz.LimitsOptions{}), Credentials: noCredentials{}})
	f.Cleanup(engine.Close)
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []config.ForeignFile{{Path: "x.json", Data: data}}
		one, two := Load(files, Options{}), Load(files, Options{})
		if diff := cmp.Diff(one.Findings, two.Findings); diff != "" {
			t.Fatal(diff)
		}
		for _, finding := range one.Findings {
			if finding.Reason == "" || finding.ID == "" || finding.Line < 1 {
				t.Fatalf("%+v", finding)
			}
		}
		problems := engine.Check(one.spec())
		for _, p := range problems {
			place := one.place(p.At)
			if place.File == "" || place.Line < 1 {
				t.Fatalf("%+v is nowhere", p)
			}
		}
		for _, a := range one.APIs {
			if !a.Inactive && len(a.Keys) == 0 && !slices.ContainsFunc(one.Findings, func(f Finding) bool { return f.Error || f.ID == "jwks-classic" }) {
				t.Fatalf("no key and nothing said: %q", a.ID)
			}
		}
		if _, err := one.Native(); err != nil {
			t.Fatal(err)
		}
	})
}

// place gives the place of a problem of Check.
func (l *Loaded) place(pointer string) config.Problem {
	parts := strings.SplitN(strings.TrimPrefix(pointer, "/"), "/", 3)
	nth := 0
	if len(parts) < 2 || (parts[0] != "apis" && parts[0] != "policies") {
		return config.Problem{File: "the whole", Line: 1}
	}
	if _, err := fmt.Sscan(parts[1], &nth); err != nil {
		return config.Problem{}
	}
	return l.locate(parts[0], nth, pointer)
}

func FuzzClassic(f *testing.F) { seeds(f, "classic"); fuzzLoad(f) }

func FuzzOAS(f *testing.F) { seeds(f, "oas"); fuzzLoad(f) }

func FuzzPolicy(f *testing.F) { seeds(f, "policy"); fuzzLoad(f) }

// TestMergeOrderFree: whatever policies there are, their order makes no
// difference, and a repeated one neither.
func TestMergeOrderFree(t *testing.T) {
	merges := 0
	for seed := range 200 {
		g := &generator{rand.New(rand.NewPCG(uint64(seed), 11)), t}
		apis := []string{"a", "b"}
		var ids []string
		docs := g.policies("", apis)
		for _, id := range slices.Sorted(maps.Keys(docs)) {
			ids = append(ids, id)
			docs[id].(map[string]any)["org_id"] = ""
			docs[id].(map[string]any)["is_inactive"] = false
		}
		l := Load([]config.ForeignFile{{Path: "p.json", Data: mustJSON(t, docs)}}, Options{})
		var want string
		for order := range permutations(len(ids)) {
			specs := make([]policies.Spec, 0, len(ids))
			named := make([]string, 0, len(ids)+1)
			for _, i := range order {
				specs = append(specs, l.Policies[i])
				named = append(named, ids[i])
			}
			set, _ := policies.Compile(specs, apis, policies.MergeTyk)
			got := shownGrant(t, set, append(named, named[0]))
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("seed %d order %v:\n%s\nbefore:\n%s", seed, order, got, want)
			}
			merges++
		}
	}
	if merges < 1000 {
		t.Errorf("%d merges", merges)
	}
}

// shownGrant is everything that can be seen of a grant.
func shownGrant(t *testing.T, set *policies.Set, ids []string) string {
	t.Helper()
	g, err := set.Merge("", ids)
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	fmt.Fprintln(&out, g.PoliciesText(), g.TagsText())
	for _, api := range exampleAPIs() {
		on := g.API(api)
		for _, line := range []string{"GET /a", "GET /a/7", "POST /a", "GET /b/c", "POST /zzz"} {
			v := permits(t, on, line)
			fmt.Fprint(&out, api, line, v.Permission, rateText(v.Rate), quotaText(v.Quota), on.HasVersion("Default"))
			for _, l := range []*policies.Limit{v.Rate, v.Quota} {
				if l != nil {
					fmt.Fprint(&out, l.Counter)
				}
			}
			fmt.Fprintln(&out)
		}
	}
	return out.String()
}

// BenchmarkLoad loads 1,000 definitions and 10,000 policies and compiles them.
func BenchmarkLoad(b *testing.B) {
	var files []config.ForeignFile
	for i := range 1000 {
		id := fmt.Sprintf("api%d", i)
		files = append(files, config.ForeignFile{Path: id + ".json", Data: fmt.Appendf(nil,
			`{"api_id": %q, "org_id": "o", "enable_jwt": true, "jwt_signing_method": "hmac", "jwt_source": %q, "jwt_policy_field_name": "pol",
 "jwt_default_policies": ["p%d"], "proxy": {"listen_path": "/%s/"}}`, id, b64std(hmacOfTests), i, id)})
	}
	var all strings.Builder
	all.WriteString("{")
	for i := range 10_000 {
		if i > 0 {
			all.WriteString(",")
		}
		fmt.Fprintf(&all, `"p%d": {"org_id": "o", "rate": 5, "per": 1, "quota_max": 100, "quota_renewal_rate": 60, "access_rights":
 {"api%d": {"allowed_urls": [{"url": "/a/{id}", "methods": ["GET"]}]}, "api%d": {}}}`, i, i%1000, (i+1)%1000)
	}
	all.WriteString("}")
	files = append(files, config.ForeignFile{Path: "policies.json", Data: []byte(all.String())})
	engine := authz.New(authz.Options{Limiter: authz.NewLimits(authz.LimitsOptions{})})
	defer engine.Close()
	before, loads := processorTime(b), 0
	for b.Loop() {
		loaded := Load(files, Options{})
		if why := firstError(engine.Check(loaded.spec())); why != "" {
			b.Fatal(why)
		}
		loads++
	}
	b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(loads), "cpu-ms/op")
}

// processorTime is what the process has used of the processors: how busy others
// keep them does not count.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
