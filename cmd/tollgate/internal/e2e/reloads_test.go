package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
)

// numbered is a good file. Its number stands in every answer, as realm of a denial
// and as a header of an allow. Odd ones let alice in, even ones bob, and nobody
// lets mallory in. The key set of an issuer moves with every file, so that every
// reload starts one remote set and ends another; limits and credentials keep their
// state over reloads.
const numbered = `version: 1
listen: {check: "127.0.0.1:0", metrics: "127.0.0.1:0"}
store: "memory:"
log: {level: error}
answers: {realm: "NUMBER"}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys:
      - {jwk: file://keys.json, issuer: https://issuer.example/}
      - {jwks: KEYS/NUMBER, issuer: https://remote.example/}
      - {credentials: true}
    claims: {audiences: [orders], subjects: [PERSON]}
    policies: {default: [open]}
    inject: {x-number: $meta.number}
policies:
  - {id: open, meta: {number: "NUMBER"}, rate: {requests: 1000000, per: 1s}, access: {orders: {allow: all}}}
`

// spoilt makes of a good file one that does not load. As it would let everybody in
// under a name that is no number, an answer made of any part of it shows.
func spoilt(good string, how int) string {
	open := strings.NewReplacer(`realm: "`, `realm: "spoilt `, `number: "`, `number: "spoilt `, "subjects: [alice]", "subjects: []", "subjects: [bob]", "subjects: []").Replace(good)
	ways := [][2]string{
		{"version: 1\n", "version: 1\nsurprise: 1\n"},                       // an unknown key
		{"default: [open]", "default: [gone]"},                              // a dangling reference
		{"    inject:", "\tinject:"},                                        // no YAML
		{open[len(open)/2:], ""},                                            // half written
		{"file://keys.json", "file://gone.json"},                            // a file that is not there
		{"{jwk: file://keys.json,", "{secret: env://NOT_SET_ANYWHERE,"},     // a value that cannot be resolved
		{"audiences: [orders], ", ""},                                       // the engine's own check
		{open, ""},                                                          // an empty file
		{"id: orders\n", "id: orders\n    algorithms: [HS256, none]\n"},     // what must never be written
		{"path: /orders}]", "path: /orders}, {host: \"*\", path: orders}]"}, // a path that is none
	}
	way := ways[how%len(ways)]
	return strings.Replace(open, way[0], way[1], 1)
}

// TestManyReloads reloads a running gate, good and broken files in turn, while
// clients ask over gRPC: by SIGHUP, and every tenth time by nothing but the changed
// file. Every answer is held against the file whose number it carries, and that
// number against what was in force when it was asked.
func TestManyReloads(t *testing.T) {
	reloads := 60
	if long() {
		reloads = 1000
	}
	r := startReloading(t)
	c := gather(4, 0, r.ask)
	var early, late samples
	for i := range reloads {
		if i%2 == 0 {
			r.good(t, i%10 == 8)
		} else {
			r.broken(t, i/2, i%10 == 9)
		}
		switch {
		case i >= reloads/10 && i < reloads/5:
			early.add(r.scrape(t))
		case i >= reloads-reloads/10:
			late.add(r.scrape(t))
		}
		c.more(t, 20)
	}
	c.leave()
	if wrong := c.wrong.Load(); wrong > 0 {
		t.Errorf("%d of %d answers were wrong, the first: %s", wrong, c.answers.Load(), c.first)
	}
	if r.allowed.Load() == 0 || r.denied.Load() == 0 {
		t.Errorf("%d were allowed and %d denied: the clients saw no reload", r.allowed.Load(), r.denied.Load())
	}
	end := r.scrape(t)
	if end.applied < float64(reloads/2) || end.refused < float64(reloads/2) {
		t.Errorf("%v files were applied and %v refused", end.applied, end.refused)
	}
	a, b := early.median(), late.median()
	room := 0.0
	if !long() {
		room = 16e6 // so few reloads are made while the process still warms up
	}
	for what, grown := range map[string][3]float64{
		"goroutines": {a.goroutines, b.goroutines}, "the live heap": {a.live, b.live, room}, "resident memory": {a.resident, b.resident, room},
	} {
		if grown[1] > grown[0]*1.1+grown[2] {
			t.Errorf("%s went from %.0f to %.0f", what, grown[0], grown[1])
		}
	}
	t.Logf("evidence: %d reloads (%.0f applied, %.0f refused), %d answers (%d allowed, %d denied), %d wrong; goroutines %.0f then %.0f, heap goal %.1f then %.1f MB, resident %.1f then %.1f MB",
		reloads, end.applied, end.refused, c.answers.Load(), r.allowed.Load(), r.denied.Load(), c.wrong.Load(),
		a.goroutines, b.goroutines, a.live/1e6, b.live/1e6, a.resident/1e6, b.resident/1e6)
}

// reloading is a gate whose file changes.
type reloading struct {
	*world
	metrics   string
	keys      string // where the remote issuer publishes
	client    *envoy.Client
	questions []question
	asked     atomic.Int64

	written, confirmed atomic.Int64 // numbers: of the latest file, and of one that is known to be in force
	allowed, denied    atomic.Int64
}

// question is what a person asks.
type question struct {
	person string
	asked  envoy.Question
}

func startReloading(t *testing.T) *reloading {
	t.Helper()
	r := &reloading{world: &world{dir: t.TempDir()}}
	r.key = newKey(t, r.dir)
	remote, err := tokens.Generate("ES256", "remote-1")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tokens.JWKS(remote)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(set) // a gate that went away
	}))
	t.Cleanup(server.Close)
	r.keys = server.URL
	for _, person := range []string{"alice", "bob", "mallory"} {
		r.questions = append(r.questions, question{person, about(r.token(t, person, nil))})
		now := time.Now()
		token, err := remote.Sign(nil, map[string]any{"iss": "https://remote.example/", "sub": person, "aud": "orders", "exp": now.Add(time.Hour).Unix()})
		if err != nil {
			t.Fatal(err)
		}
		r.questions = append(r.questions, question{person, about(token)})
	}
	r.written.Store(1)
	r.gate = startGate(t, r.write(t, "tollgate.yaml", r.file(1)))
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	line, err := r.gate.AwaitLine(ctx, "listening metrics ")
	if err != nil {
		t.Fatal(err)
	}
	r.metrics = "http://" + strings.TrimPrefix(line, "listening metrics ") + "/metrics"
	conn, err := grpc.NewClient("passthrough:///"+r.gate.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r.client = envoy.NewClient(conn)
	r.confirmed.Store(1)
	return r
}

func about(token string) envoy.Question {
	return envoy.Prepare(&envoy.HTTP{
		Method: "GET", Scheme: "http", Host: "api.example.com", Target: "/orders/7", Raw: true,
		Headers: []envoy.Field{{Name: "authorization", Value: "Bearer " + token}},
	})
}

// file is the good file of a number.
func (r *reloading) file(number int64) string {
	person := "bob"
	if number%2 == 1 {
		person = "alice"
	}
	return strings.NewReplacer("NUMBER", strconv.FormatInt(number, 10), "PERSON", person, "KEYS", r.keys).Replace(numbered)
}

// ask asks for one of the persons and judges the answer.
func (r *reloading) ask(int) error {
	q := r.questions[int(r.asked.Add(1))%len(r.questions)]
	least := r.confirmed.Load()
	number, allowed, err := r.answer(q)
	most := r.written.Load()
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", q.person, err)
	case number < least || number > most:
		return fmt.Errorf("%s: an answer of file %d, when %d to %d were possible", q.person, number, least, most)
	case allowed != (q.person == "alice" && number%2 == 1 || q.person == "bob" && number%2 == 0):
		return fmt.Errorf("%s: allowed is %v by file %d", q.person, allowed, number)
	case allowed:
		r.allowed.Add(1)
	default:
		r.denied.Add(1)
	}
	return nil
}

// answer asks, and gives the number of the file that answered.
func (r *reloading) answer(q question) (number int64, allowed bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	got, err := r.client.Ask(ctx, q.asked)
	if err != nil {
		return 0, false, err
	}
	if !got.Allowed {
		if reason := got.Metadata["reason"]; reason != "subject_refused" {
			return 0, false, errors.New("denied with " + reason)
		}
		for _, h := range got.Headers {
			if strings.EqualFold(h.Name, "www-authenticate") {
				_, realm, _ := strings.Cut(h.Value, `realm="`)
				realm, _, _ = strings.Cut(realm, `"`)
				number, err = strconv.ParseInt(realm, 10, 64)
				return number, false, err
			}
		}
		return 0, false, errors.New("a denial without a realm")
	}
	if subject := got.Metadata["subject"]; subject != q.person {
		return 0, true, errors.New("passed as " + subject)
	}
	for _, field := range got.Set {
		if field.Name == "x-number" {
			number, err = strconv.ParseInt(field.Value, 10, 64)
			return number, true, err
		}
	}
	return 0, true, errors.New("an allow without a number")
}

// good puts the next good file in place and waits until it answers.
func (r *reloading) good(t *testing.T, silently bool) {
	t.Helper()
	next := r.written.Add(1)
	r.put(t, r.file(next), silently)
	r.until(t, "file "+strconv.FormatInt(next, 10)+" to answer", func() bool {
		number, _, err := r.answer(r.questions[0])
		return err == nil && number == next
	})
	r.confirmed.Store(next)
}

// broken puts a broken file in place and waits until it was refused.
func (r *reloading) broken(t *testing.T, how int, silently bool) {
	t.Helper()
	before := r.scrape(t).refused
	r.put(t, spoilt(r.file(r.written.Load()+1), how), silently)
	r.until(t, fmt.Sprintf("broken file %d to be refused", how), func() bool { return r.scrape(t).refused > before })
}

// until waits until something about the gate is true.
func (r *reloading) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if err := r.gate.Await(ctx, what, is); err != nil {
		t.Fatal(err)
	}
}

func (r *reloading) put(t *testing.T, text string, silently bool) {
	t.Helper()
	replace(t, r.gate.config, text)
	if !silently {
		r.gate.signal(t, syscall.SIGHUP)
	}
}

// sample is what the metrics of a gate say.
type sample struct{ applied, refused, goroutines, live, resident float64 }

// scrape reads the metrics. The goal of the garbage collector is twice what lived
// when it ran last, and does not swing with what has become garbage since.
func (r *reloading) scrape(t *testing.T) sample {
	t.Helper()
	response, err := http.Get(r.metrics) //nolint:noctx // ends with the gate, which every test ends
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var s sample
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		name, text, _ := strings.Cut(lines.Text(), " ")
		into := map[string]*float64{
			`tollgate_config_loads_total{result="applied"}`: &s.applied, `tollgate_config_loads_total{result="refused"}`: &s.refused,
			"go_goroutines": &s.goroutines, "go_memstats_next_gc_bytes": &s.live, "process_resident_memory_bytes": &s.resident,
		}[name]
		if into == nil {
			continue
		}
		if *into, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// samples are samples of some time.
type samples []sample

func (s *samples) add(one sample) { *s = append(*s, one) }

func (s samples) median() sample {
	middle := func(of func(sample) float64) float64 {
		var all []float64
		for _, one := range s {
			all = append(all, of(one))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return sample{
		goroutines: middle(func(s sample) float64 { return s.goroutines }),
		live:       middle(func(s sample) float64 { return s.live }),
		resident:   middle(func(s sample) float64 { return s.resident }),
	}
}
