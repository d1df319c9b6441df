package tyk

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// gateway is an engine on the files of one of the gateways of the records.
type gateway struct {
	engine *authz.Engine
	clock  *clock
	keys   *testKeys
	issuer *issuer
	kept   *authz.Kept

	backend *memory.Store
}

// clock is a time that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// issuer serves the key sets.
type issuer struct {
	*httptest.Server
	mu   sync.Mutex
	dyn  map[string]string
	keys *testKeys
}

func newIssuer(t *testing.T, keys *testKeys) *issuer {
	t.Helper()
	i := &issuer{dyn: map[string]string{}, keys: keys}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) set(dyn map[string]string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	maps.Copy(i.dyn, dyn)
}

// ServeHTTP answers /NAME with the set of that name, /dyn/PATH with the one that
// the scenario says.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if dyn, ok := strings.CutPrefix(name, "dyn/"); ok {
		i.mu.Lock()
		name = i.dyn[dyn]
		i.mu.Unlock()
	}
	set, ok := i.keys.JWKS[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("content-type", set.Type)
	if set.Status != 0 {
		w.WriteHeader(set.Status)
	}
	_, _ = w.Write([]byte(set.Body))
}

// newGateway makes an engine without configuration.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{clock: &clock{now: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}, keys: readKeys(t)}
	g.issuer = newIssuer(t, g.keys)
	ring, err := seal.Random()
	if err != nil {
		t.Fatal(err)
	}
	backend := memory.Open(memory.Options{})
	t.Cleanup(func() { _ = backend.Close() })
	g.backend = backend
	g.kept = authz.NewKept(authz.KeptOptions{Store: backend, Keyring: ring, Now: g.clock.time})
	limits := authz.NewLimits(authz.LimitsOptions{Now: g.clock.time})
	limits.Use(backend, false)
	g.engine = authz.New(authz.Options{Now: g.clock.time, Credentials: g.kept, Limiter: limits, CacheBytes: 1 << 20})
	t.Cleanup(g.engine.Close)
	return g
}

// files are those of one scenario as somebody would have them on disk.
func (g *gateway) files(r *record) []config.ForeignFile {
	var out []config.ForeignFile
	for _, a := range r.APIs {
		out = append(out, config.ForeignFile{Path: a.ID + ".json", Data: []byte(expand(string(a.Def), g.issuer.URL))})
	}
	if len(r.Policies) > 0 {
		data, err := json.Marshal(r.Policies)
		if err != nil {
			panic(err)
		}
		out = append(out, config.ForeignFile{Path: r.ID + "-policies.json", Data: data})
	}
	return out
}

func options(name string) Options {
	if name == "legacy" {
		return Options{LegacyPaths: true}
	}
	return Options{HashFunction: "murmur64"}
}

// load loads all scenarios that can be loaded into one configuration, and gives
// what is wrong with the others.
func (g *gateway) load(t *testing.T, name string, list []record) (refused map[string]string) {
	t.Helper()
	refused = map[string]string{}
	var all []config.ForeignFile
	for i := range list {
		files := g.files(&list[i])
		loaded := Load(files, options(name))
		if why := loaded.broken(g.engine); why != "" {
			refused[list[i].ID] = why
			continue
		}
		all = append(all, files...)
		g.issuer.set(list[i].Dyn)
	}
	loaded := Load(all, options(name))
	snapshot, problems := g.engine.Compile(t.Context(), loaded.spec())
	if snapshot == nil {
		t.Fatalf("the scenarios do not load together: %v", firstError(problems))
	}
	g.engine.Swap(snapshot)
	return refused
}

func (l *Loaded) spec() authz.Spec {
	return authz.Spec{APIs: l.APIs, Policies: l.Policies, Merge: policies.MergeTyk}
}

// broken says what keeps files from being loaded.
func (l *Loaded) broken(e *authz.Engine) string {
	for _, f := range l.Findings {
		if f.Error {
			return f.Field + ": " + f.Reason
		}
	}
	return firstError(e.Check(l.spec()))
}

func firstError(list []authz.Problem) string {
	for _, p := range list {
		if !p.Warning {
			return p.At + ": " + p.What
		}
	}
	return ""
}

// request makes the request of a step.
func (g *gateway) request(t *testing.T, s *recordStep) *authz.Plain {
	t.Helper()
	host := s.Host
	if host == "" {
		host = "gateway.example"
	}
	p := &authz.Plain{Request: authz.Line{Method: s.Method, Scheme: "http", Host: host, Target: s.Path}}
	for _, h := range s.Headers {
		p.Add(h[0], h[1])
	}
	for _, c := range s.Send {
		value := c.Value
		if c.Token != nil {
			value = g.keys.mint(t, c.Token, g.clock.time())
		}
		value = c.Prefix + value
		switch c.In {
		case "header":
			p.Add(c.Name, value)
		case "query":
			sep := "?"
			if strings.Contains(p.Request.Target, "?") {
				sep = "&"
			}
			p.Request.Target += sep + c.Name + "=" + strings.ReplaceAll(value, " ", "%20")
		case "cookie":
			at := slices.IndexFunc(p.Headers, func(h authz.Header) bool { return h.Name == "cookie" })
			if at >= 0 {
				p.Headers[at].Value += "; " + c.Name + "=" + value
			} else {
				p.Add("Cookie", c.Name+"="+value)
			}
		default:
			t.Fatalf("a credential in %s", c.In)
		}
	}
	return p
}

// createKeys does what POST /tyk/keys/{id} would; refused are ids that cannot be
// created.
func (g *gateway) createKeys(t *testing.T, r *record) (refused []string) {
	t.Helper()
	for _, k := range r.Keys {
		c, err := recordCredential(&k, r.Org)
		if err == nil {
			_, err = g.kept.Keys().Create(t.Context(), *c)
		}
		if err != nil {
			refused = append(refused, k.ID+": "+err.Error())
		}
	}
	return refused
}

// recordCredential reads a key of a scenario.
func recordCredential(k *recordKey, org string) (*credential.Credential, error) {
	var session struct {
		Policies []string `json:"apply_policies"`
		Access   map[string]struct {
			URLs []struct {
				URL     string
				Methods []string
			} `json:"allowed_urls"`
		} `json:"access_rights"`
		Expires  int64
		Inactive bool                    `json:"is_inactive"`
		JWT      struct{ Secret string } `json:"jwt_data"`
		Rate     float64
		Per      float64
		Quota    int64 `json:"quota_max"`
		Renewal  int64 `json:"quota_renewal_rate"`
	}
	if err := json.Unmarshal(k.Session, &session); err != nil {
		return nil, err
	}
	c := &credential.Credential{ID: k.ID, Org: org, Policies: session.Policies, Inactive: session.Inactive}
	if session.Expires > 0 {
		c.Expires = time.Unix(session.Expires, 0)
	}
	for api := range session.Access {
		c.Access = append(c.Access, policies.AccessSpec{API: api, All: true})
	}
	if r := policies.TykRate(session.Rate, session.Per); r.Requests > 0 {
		c.Rate = &r
	}
	if session.Quota > 0 {
		c.Quota = &policies.Quota{Requests: session.Quota, Per: time.Duration(session.Renewal) * time.Second}
	}
	kind := credential.HMAC
	if strings.HasPrefix(session.JWT.Secret, "-----BEGIN") {
		kind = credential.PublicKey
	}
	c.Secrets = []credential.Secret{{Kind: kind, Material: []byte(session.JWT.Secret), Short: true}}
	return c, nil
}

// noCredentials has none.
type noCredentials struct{}

// Find implements authz.Credentials.
func (noCredentials) Find(context.Context, string, string) (*authz.Credential, error) {
	return nil, authz.ErrNoCredential
}
