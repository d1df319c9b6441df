package load

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// driver is one run at one target.
type driver struct {
	plan  Plan
	shots *shots
	start time.Time
	taken atomic.Int64 // checks that were begun

	mutex sync.Mutex
	sum   tally
}

// tally is what one worker, or all together, have seen.
type tally struct {
	latencies histogram
	errors    int64
	mistakes  int64
	samples   map[string]int64 // of errors and mistakes
	failed    error            // the driver itself cannot go on
}

// maxSamples bounds the different texts of failures that are kept.
const maxSamples = 8

func (t *tally) note(text string) {
	if t.samples == nil {
		t.samples = map[string]int64{}
	}
	if _, known := t.samples[text]; known || len(t.samples) < maxSamples {
		t.samples[text]++
	}
}

// Drive asks a target as planned and tells what came of it.
func Drive(ctx context.Context, t Target, m *Mix, plan Plan) (*Result, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	prepared, err := m.prepare()
	if err != nil {
		return nil, err
	}
	askers, err := connect(ctx, t, plan.Connections)
	defer func() {
		for _, a := range askers {
			_ = a.Close() // the run is over
		}
	}()
	if err != nil {
		return nil, err
	}
	if plan.Warmup > 0 {
		warm := plan
		warm.Duration, warm.Rate, warm.Requests = plan.Warmup, 0, 0
		if _, err := (&driver{plan: warm, shots: prepared}).run(ctx, t, askers); err != nil {
			return nil, err
		}
	}
	return (&driver{plan: plan, shots: prepared}).run(ctx, t, askers)
}

func connect(ctx context.Context, t Target, n int) ([]Asker, error) {
	var askers []Asker
	for range n {
		asker, err := t.Connect(ctx)
		if err != nil {
			return askers, err
		}
		askers = append(askers, asker)
	}
	return askers, nil
}

func (d *driver) run(ctx context.Context, t Target, askers []Asker) (*Result, error) {
	used := func() time.Duration { return 0 }
	if t.CPU != nil {
		if _, err := t.CPU(); err != nil {
			return nil, err
		}
		used = func() time.Duration { now, _ := t.CPU(); return now }
	}
	ending, cancel := context.WithTimeout(ctx, d.plan.Duration)
	defer cancel()
	before := used()
	d.start = time.Now()
	var workers sync.WaitGroup
	for i := range d.plan.InFlight {
		workers.Go(func() { d.work(ctx, ending, askers[i%len(askers)]) })
	}
	workers.Wait()
	took := time.Since(d.start)
	cpu := used() - before
	if d.sum.failed != nil {
		return nil, d.sum.failed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result := newResult(t.Name, &d.sum, took)
	if t.CPU != nil && result.Checks > 0 {
		result.CPU = cpu / time.Duration(result.Checks)
	}
	return result, nil
}

// work asks until the run ends. Checks that were begun are waited for.
func (d *driver) work(ctx, ending context.Context, asker Asker) {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // which user asks is no secret
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	var seen tally
	for ending.Err() == nil {
		index := d.taken.Add(1) - 1
		if d.plan.Requests > 0 && index >= d.plan.Requests {
			break
		}
		due := time.Now()
		if d.plan.Rate > 0 {
			due = d.start.Add(time.Duration(float64(index) / d.plan.Rate * float64(time.Second)))
			if due.Sub(d.start) >= d.plan.Duration || !await(ending, timer, due) {
				break
			}
		}
		shot, err := d.shots.pick(random)
		if err != nil {
			seen.failed = err
			break
		}
		mistake, err := asker.Ask(ctx, shot)
		seen.latencies.add(time.Since(due))
		switch {
		case err != nil:
			seen.errors++
			seen.note(err.Error())
		case mistake != "":
			seen.mistakes++
			seen.note(mistake)
		}
	}
	d.add(&seen)
}

// await waits until a check is due; it says false when the run ends before.
func await(ending context.Context, timer *time.Timer, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return true
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
		return true
	case <-ending.Done():
		return false
	}
}

func (d *driver) add(seen *tally) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.sum.latencies.merge(&seen.latencies)
	d.sum.errors += seen.errors
	d.sum.mistakes += seen.mistakes
	d.sum.failed = errors.Join(d.sum.failed, seen.failed)
	for text, n := range seen.samples {
		d.sum.note(text)
		if _, kept := d.sum.samples[text]; kept {
			d.sum.samples[text] += n - 1
		}
	}
}
