package limit

import (
	"fmt"
	"testing"
	"time"
)

// One step in process: read, decide, write.
func BenchmarkTake(b *testing.B) {
	rate := func(a Algorithm, n int64) Limit {
		return New(Spec{ID: ID{1}, Algorithm: a, Requests: n, Per: time.Minute})
	}
	q := New(Spec{ID: ID{2}, Algorithm: Quota, Requests: 1 << 40, Per: time.Hour})
	for name, limits := range map[string][]Limit{
		"window":       {rate(SlidingWindow, 1<<40)},
		"window+quota": {rate(SlidingWindow, 1<<40), q},
		"bucket+quota": {rate(TokenBucket, 1<<40), q},
		"fixed+quota":  {rate(FixedWindow, 1<<40), q},
		"log100+quota": {rate(SlidingLog, 100), q},
		"log1000":      {rate(SlidingLog, 1000)},
		"refused":      {rate(FixedWindow, 1), q},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			one, two := make([]byte, 0, 8<<10), make([]byte, 0, 8<<10)
			c := &Charge{Limits: limits, Cost: 1, Now: start}
			for b.Loop() {
				next, v := Take(one[:0], two, c)
				if v.Write {
					one, two = two, next
				}
				c.Now += 700
			}
			b.ReportMetric(float64(len(two)), "record-B")
		})
	}
	b.Run("peek", func(b *testing.B) {
		limits := []Limit{rate(SlidingWindow, 1<<40), q}
		record, _ := Take(nil, nil, &Charge{Limits: limits, Cost: 1, Now: start})
		c := &Charge{Limits: limits, Now: start + 5}
		for b.Loop() {
			if v := Peek(record, c); !v.Admitted {
				b.Fatal(fmt.Sprint(v))
			}
		}
	})
}
