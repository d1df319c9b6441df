package load

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Comparison is a service measured against the empty one, in rounds: what else
// the machine does meets both alike. Ratios are taken within each round.
type Comparison struct {
	Own    []*Result `json:"own"`
	Empty  []*Result `json:"empty"`
	Speed  Spread    `json:"checks_per_second_ratio"` // own ÷ empty
	Median Spread    `json:"p50_ratio"`
	CPU    Spread    `json:"cpu_per_check_ratio"`
}

// Spread is the median of ratios, with the smallest and the largest.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// maxRounds bounds a comparison.
const maxRounds = 100

// Compare drives both targets in turn. The time of the plan is that of all rounds
// together; the order of the two changes every round.
func Compare(ctx context.Context, own, empty Target, p Rounds) (*Comparison, error) {
	if p.Count < 1 || p.Count > maxRounds {
		return nil, fmt.Errorf("%d rounds: use 1 to %d", p.Count, maxRounds)
	}
	c := &Comparison{}
	plan := p.Plan
	plan.Duration /= time.Duration(2 * p.Count)
	for round := range p.Count {
		order := []Target{own, empty}
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, target := range order {
			result, err := Drive(ctx, target, p.Mix, plan)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", target.Name, err)
			}
			if target.Name == own.Name {
				c.Own = append(c.Own, result)
			} else {
				c.Empty = append(c.Empty, result)
			}
		}
	}
	c.Speed = c.ratio(func(r *Result) float64 { return r.PerSecond })
	c.Median = c.ratio(func(r *Result) float64 { return r.P50.Seconds() })
	c.CPU = c.ratio(func(r *Result) float64 { return r.CPU.Seconds() })
	return c, nil
}

// Rounds is what a comparison drives, and how often.
type Rounds struct {
	Mix   *Mix
	Plan  Plan
	Count int
}

// Clean says whether every check of both was answered, and rightly.
func (c *Comparison) Clean() bool {
	unclean := func(r *Result) bool { return !r.Clean() }
	return !slices.ContainsFunc(c.Own, unclean) && !slices.ContainsFunc(c.Empty, unclean)
}

// ratio is own ÷ empty, round by round; zero where one is not known.
func (c *Comparison) ratio(of func(*Result) float64) Spread {
	var ratios []float64
	for i := range min(len(c.Own), len(c.Empty)) {
		if below := of(c.Empty[i]); below > 0 {
			ratios = append(ratios, of(c.Own[i])/below)
		}
	}
	if len(ratios) == 0 {
		return Spread{}
	}
	slices.Sort(ratios)
	middle := ratios[len(ratios)/2]
	if len(ratios)%2 == 0 {
		middle = (middle + ratios[len(ratios)/2-1]) / 2
	}
	return Spread{Median: middle, Min: ratios[0], Max: ratios[len(ratios)-1]}
}
