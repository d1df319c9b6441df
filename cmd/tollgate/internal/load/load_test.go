package load

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/envoy"
)

func mix(t *testing.T) *Mix {
	t.Helper()
	key, err := tokens.Generate("HS256", "k1")
	if err != nil {
		t.Fatal(err)
	}
	return &Mix{HTTP: envoy.HTTP{Method: "GET", Scheme: "http", Host: "h", Target: "/"}, Key: key, Users: 10, Now: time.Now()}
}

// fake answers as told.
type fake struct {
	answer func(s *Shot) (string, error)
	asked  atomic.Int64
	closed atomic.Int64
}

func (f *fake) Ask(_ context.Context, s *Shot) (string, error) {
	f.asked.Add(1)
	return f.answer(s)
}

func (f *fake) Close() error { f.closed.Add(1); return nil }

func (f *fake) target() Target {
	return Target{Name: "fake", Connect: func(context.Context) (Asker, error) { return f, nil }}
}

// pause lets time pass in the bubble of a synctest.
func pause(d time.Duration) { <-time.NewTimer(d).C }

func TestQuantilesAreWithinThreePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, int64(time.Hour)), 1, 500).Draw(t, "values")
		h := &histogram{}
		half := &histogram{}
		for i, v := range values {
			if i%2 == 0 {
				h.add(time.Duration(v))
			} else {
				half.add(time.Duration(v))
			}
		}
		h.merge(half)
		slices.Sort(values)
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
			rank := max(int(q*float64(len(values))+0.5), 1)
			exact, got := float64(values[rank-1]), float64(h.quantile(q))
			if got < exact || got > exact*(1+1.0/fine)+1 {
				t.Fatalf("quantile %v of %d values: %v, exactly %v", q, len(values), got, exact)
			}
		}
		if h.max != time.Duration(values[len(values)-1]) || h.total != uint64(len(values)) {
			t.Fatalf("max %v, total %d", h.max, h.total)
		}
	})
}

func TestClosedLoopEndsAfterTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(*Shot) (string, error) {
			pause(time.Millisecond)
			return "", nil
		}}
		plan := Plan{Connections: 2, InFlight: 4, Duration: time.Hour, Requests: 1000}
		result, err := Drive(t.Context(), f.target(), mix(t), plan)
		if err != nil {
			t.Fatal(err)
		}
		if result.Checks != 1000 || f.asked.Load() != 1000 || f.closed.Load() != 2 || !result.Clean() {
			t.Errorf("%d checks, %d asked, %d closed, %+v", result.Checks, f.asked.Load(), f.closed.Load(), result)
		}
		if result.Took != 250*time.Millisecond || result.P50 != time.Millisecond || result.PerSecond != 4000 {
			t.Errorf("took %v, p50 %v, %v a second", result.Took, result.P50, result.PerSecond)
		}
	})
}

func TestClosedLoopEndsWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(*Shot) (string, error) { pause(30 * time.Millisecond); return "", nil }}
		plan := Plan{Connections: 1, InFlight: 1, Warmup: time.Second, Duration: 2 * time.Second}
		result, err := Drive(t.Context(), f.target(), mix(t), plan)
		if err != nil {
			t.Fatal(err)
		}
		if result.Checks != 67 || f.asked.Load() != 34+67 {
			t.Errorf("%d checks, %d asked: what warms up is not counted", result.Checks, f.asked.Load())
		}
	})
}

// A service that stalls for a second has delayed every check that was due in that
// second: an open loop must say so.
func TestOpenLoopCountsTheTimeThatChecksWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := &fake{answer: func(*Shot) (string, error) {
			if at := time.Since(start); at >= time.Second && at < 2*time.Second {
				pause(2*time.Second - at)
			}
			return "", nil
		}}
		plan := Plan{Connections: 1, InFlight: 1, Rate: 100, Duration: 4 * time.Second}
		result, err := Drive(t.Context(), f.target(), mix(t), plan)
		if err != nil {
			t.Fatal(err)
		}
		if result.Checks != 400 {
			t.Errorf("%d checks at 100 a second for 4 s", result.Checks)
		}
		// 100 of 400 checks waited, evenly from 1 s down to nothing.
		if result.P50 != 0 || result.P90 < 500*time.Millisecond || result.Max != time.Second {
			t.Errorf("p50 %v, p90 %v, max %v", result.P50, result.P90, result.Max)
		}
	})
}

func TestFailuresAndMistakesAreCounted(t *testing.T) {
	n := 0
	f := &fake{answer: func(s *Shot) (string, error) {
		n++
		switch {
		case n%10 == 0:
			return "", errors.New("unavailable")
		case n%5 == 0:
			return s.judge(true, "", "somebody else"), nil
		default:
			return "", nil
		}
	}}
	result, err := Drive(t.Context(), f.target(), mix(t), Plan{Connections: 1, InFlight: 1, Duration: time.Minute, Requests: 100})
	if err != nil {
		t.Fatal(err)
	}
	if result.Errors != 10 || result.Mistakes != 10 || result.Clean() {
		t.Errorf("%+v", result)
	}
	if result.Samples["unavailable"] != 10 {
		t.Errorf("samples %v", result.Samples)
	}
}

func TestJudge(t *testing.T) {
	good, bad := &Shot{Subject: "ada"}, &Shot{Reason: "token_expired"}
	for _, test := range []struct {
		shot            *Shot
		allowed         bool
		reason, subject string
		want            string
	}{
		{good, true, "", "ada", ""},
		{good, true, "", "bob", "allowed as"},
		{good, false, "token_expired", "", "denied with token_expired what must be allowed"},
		{bad, false, "token_expired", "", ""},
		{bad, false, "token_missing", "", "instead of token_expired"},
		{bad, true, "", "ada", "allowed what must be denied"},
	} {
		got := test.shot.judge(test.allowed, test.reason, test.subject)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

func TestTheMixIsAsOrdered(t *testing.T) {
	m := mix(t)
	m.Bad, m.Fresh, m.Users = 0.25, 0.5, 7
	seen := map[string]bool{}
	subjects, reasons, count := map[string]int{}, map[string]int{}, 0
	f := &fake{answer: func(s *Shot) (string, error) {
		count++
		subjects[s.Subject]++
		reasons[s.Reason]++
		if len(s.HTTP.Headers) > 0 {
			seen[s.HTTP.Headers[0].Value] = true
		}
		return "", nil
	}}
	if _, err := Drive(t.Context(), f.target(), m, Plan{Connections: 1, InFlight: 1, Duration: time.Minute, Requests: 4000}); err != nil {
		t.Fatal(err)
	}
	if len(subjects) != 8 || len(reasons) != 5 {
		t.Errorf("subjects %v, reasons %v", subjects, reasons)
	}
	if share := float64(count-reasons[""]) / 4000; share < 0.2 || share > 0.3 {
		t.Errorf("%v are bad", share)
	}
	if fresh := len(seen) - 7; fresh < 1200 || fresh > 1800 { // half of three quarters
		t.Errorf("%d fresh tokens", fresh)
	}
}

func TestPlansAreBounded(t *testing.T) {
	good := Plan{Connections: 1, InFlight: 1, Duration: time.Second}
	for name, change := range map[string]func(*Plan){
		"no connection":     func(p *Plan) { p.Connections = 0 },
		"many connections":  func(p *Plan) { p.Connections, p.InFlight = 5000, 5000 },
		"idle connections":  func(p *Plan) { p.Connections = 2 },
		"many at once":      func(p *Plan) { p.InFlight = 1 << 20 },
		"no time":           func(p *Plan) { p.Duration = 0 },
		"a day":             func(p *Plan) { p.Duration = 24 * time.Hour },
		"negative rate":     func(p *Plan) { p.Rate = -1 },
		"negative requests": func(p *Plan) { p.Requests = -1 },
	} {
		plan := good
		change(&plan)
		if plan.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	m := mix(t)
	m.Users = 0
	if _, err := m.prepare(); err == nil {
		t.Error("no users are taken")
	}
}

func TestTheEmptyServerAllowsEverything(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- ServeEmpty(ctx, listener) }()
	target := Wire(Server{Name: "empty", Address: listener.Addr().String(), PID: os.Getpid(), Lax: true})
	plan := Plan{Connections: 2, InFlight: 8, Duration: time.Minute, Requests: 500}
	m := mix(t)
	m.Bad = 0.5
	c, err := Compare(t.Context(), target, Wire(Server{Name: "other", Address: listener.Addr().String(), Lax: true}), Rounds{Mix: m, Plan: plan, Count: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Clean() || len(c.Own) != 3 || len(c.Empty) != 3 || c.Own[0].Checks != 500 {
		t.Errorf("%+v", c)
	}
	if c.Own[0].CPU <= 0 || c.Empty[0].CPU != 0 || c.CPU != (Spread{}) || c.Speed.Median <= 0 {
		t.Errorf("cpu %v and %v, ratios %+v", c.Own[0].CPU, c.Empty[0].CPU, c)
	}
	var out bytes.Buffer
	if err := TellComparison(&out, c); err != nil || !strings.Contains(out.String(), "cpu/check  not known") {
		t.Errorf("%v: %s", err, &out)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestCPUOfAProcess(t *testing.T) {
	before, err := cpuOf(0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20_000_000 {
		if i < 0 { // some work
			before++
		}
	}
	after, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("%v before, %v after some work", before, after)
	}
	if _, err := cpuOf(1 << 22); err == nil {
		t.Error("a process that is not there has used processor time")
	}
}
