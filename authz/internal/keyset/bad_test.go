package keyset

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// badSet is one case of testdata/jwks-bad.jsonl: a document, how it is served,
// or a sequence of both.
type badSet struct {
	ID, Level  string
	Doc        string
	Serve      served
	Probes     []probe
	Expect     struct{ Usable, Unusable []string }
	MaxFetches struct{ Requests, Fetches int } `json:"max_fetches"`
	AlgConfig  struct {
		KidRequired *bool `json:"kid_required"`
	} `json:"alg_config"`
	Steps []step
}

type served struct {
	Status      int
	Headers     map[string]string
	Redirect    string
	Hops        int
	Gzip        bool
	Pad         int `json:"inflate_pad_bytes"`
	DelayBefore int `json:"delay_before_ms"`
}

type probe struct {
	Kid           *string
	Token, Expect string
}

type step struct {
	Serve      served
	Doc        string
	Probes     []probe
	Advance    int64 `json:"advance_s"` // a jump of the wall clock before the step
	Flood      struct{ Count int }
	MaxFetches int `json:"max_fetches"`
}

func TestBadSets(t *testing.T) {
	ran := 0
	for _, line := range readLines(t, "testdata/jwks-bad.jsonl") {
		var c badSet
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		ran++
		t.Run(c.ID, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if len(c.Steps) == 0 {
					c.Steps = []step{{Serve: c.Serve, Doc: c.Doc, Probes: c.Probes}}
				}
				c.run(t)
			})
		})
	}
	if ran != 31 {
		t.Errorf("%d cases were run, want 31", ran)
	}
}

func (c *badSet) run(t *testing.T) {
	p := newProvider(t, c.Steps[0].handler())
	var jumped atomic.Int64
	pool := NewPool(PoolConfig{Dial: p.dial, Now: func() time.Time {
		return time.Now().Add(time.Duration(jumped.Load()) * time.Second)
	}})
	defer pool.Close()
	r := must(pool.Lease().Remote(atKeys))
	<-r.Tried()
	for i, s := range c.Steps {
		if i > 0 {
			jumped.Add(s.Advance)
			p.now(s.handler())
			until(t, defaultRefresh+time.Duration(s.Serve.DelayBefore)*time.Millisecond)
		}
		s.flood(t, p, r)
		for _, probe := range s.Probes {
			token := parse(t, probe.Token)
			verdict := "deny"
			required := c.AlgConfig.KidRequired == nil || *c.AlgConfig.KidRequired
			if (token.HasKid || !required) && allowed(t, r, token) {
				verdict = "allow"
			}
			if verdict != probe.Expect {
				t.Errorf("step %d: %s, want %s (%+v)", i, verdict, probe.Expect, r.State())
			}
		}
	}
	c.checkUsable(t, r)
	c.checkFetches(t, p, r)
}

// flood asks for unknown kids within a second.
func (s *step) flood(t *testing.T, p *provider, r *Remote) {
	if s.Flood.Count == 0 {
		return
	}
	before := p.fetches.Load()
	var work sync.WaitGroup
	for i := range s.Flood.Count {
		work.Go(func() {
			<-time.NewTimer(time.Second * time.Duration(i) / time.Duration(s.Flood.Count)).C
			if _, err := r.Refetch(t.Context(), nil, &Query{Alg: jws.RS256, Kid: strconv.Itoa(i), HasKid: true}); err == nil {
				t.Error("an unknown kid has a key")
			}
		})
	}
	work.Wait()
	if n := int(p.fetches.Load() - before); n > s.MaxFetches {
		t.Errorf("%d fetches, want at most %d", n, s.MaxFetches)
	}
}

// allowed decides as the engine does: keys at hand, then one refetch.
func allowed(t *testing.T, r *Remote, token *jws.Token) bool {
	q := query(token)
	keys, err := r.Find(nil, q)
	if err != nil {
		started := time.Now()
		keys, err = r.Refetch(t.Context(), nil, q)
		if took := time.Since(started); took > maxWait {
			t.Errorf("a verdict took %v", took)
		}
	}
	return err == nil && anyVerifies(keys, token)
}

func (c *badSet) checkUsable(t *testing.T, r *Remote) {
	usable := map[string]bool{}
	for _, k := range r.State().Keys {
		usable[k.ID] = usable[k.ID] || k.Usable
	}
	for _, kid := range c.Expect.Usable {
		if !usable[kid] {
			t.Errorf("%s should be usable: %+v", kid, r.State())
		}
	}
	for _, kid := range c.Expect.Unusable {
		if usable[kid] {
			t.Errorf("%s should be unusable: %+v", kid, r.State())
		}
	}
}

func (c *badSet) checkFetches(t *testing.T, p *provider, r *Remote) {
	if c.MaxFetches.Requests == 0 {
		return
	}
	for i := range c.MaxFetches.Requests {
		for _, probe := range c.Probes {
			allowed(t, r, parse(t, probe.Token))
		}
		_, _ = r.Refetch(t.Context(), nil, unknown(strconv.Itoa(i)))
		until(t, 10*time.Millisecond)
	}
	if n := int(p.fetches.Load()); n > c.MaxFetches.Fetches {
		t.Errorf("%d fetches, want at most %d", n, c.MaxFetches.Fetches)
	}
}

func (s step) handler() http.HandlerFunc {
	hops := s.Serve.Hops
	packed := status(http.StatusOK)
	if s.Serve.Pad > 0 {
		packed = bomb(s.Doc, s.Serve.Pad)
	}
	answers := func(w http.ResponseWriter, r *http.Request) {
		for name, value := range s.Serve.Headers {
			w.Header().Set(name, value)
		}
		switch {
		case s.Serve.Pad > 0:
			packed(w, r)
		case s.Serve.Redirect == "chain" && hops > 0:
			hops--
			w.Header().Set("Location", "/hop/"+strconv.Itoa(hops))
			w.WriteHeader(s.Serve.Status)
		default:
			if s.Serve.Status != 0 && s.Serve.Redirect == "" {
				w.WriteHeader(s.Serve.Status)
			}
			_, _ = w.Write([]byte(s.Doc))
		}
	}
	if s.Serve.DelayBefore > 0 {
		return slowly(time.Duration(s.Serve.DelayBefore)*time.Millisecond, answers)
	}
	return answers
}
