package policies

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTykRate: rates with fractions have whole numbers here.
func TestTykRate(t *testing.T) {
	for _, tt := range []struct {
		rate, per float64
		requests  int64
		span      time.Duration
	}{
		{3, 1, 3, time.Second},
		{0.5, 1, 1, 2 * time.Second},
		{1.5, 1, 3, 2 * time.Second},
		{5, 0.5, 5, 500 * time.Millisecond},
		{0, 1, -1, 0},
		{-1, 60, -1, 0},
		{5, 0, -1, 0},
		{-1, -1, -1, 0},
		{2000, 60, 2000, time.Minute},
		{0.1, 60, 1, 10 * time.Minute},
	} {
		got := TykRate(tt.rate, tt.per)
		if got.Requests != tt.requests || got.Per != tt.span {
			t.Errorf("%g per %g: %d per %s", tt.rate, tt.per, got.Requests, got.Per)
		}
	}
}

// No rate is wider than what it was made of, and every one can be counted.
func TestTykRateIsNeverWider(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate, per := rapid.Float64Range(1e-9, 1e12).Draw(t, "rate"), rapid.Float64Range(1e-6, 1e12).Draw(t, "per")
		got := TykRate(rate, per)
		if got.Requests < 1 || got.Per <= 0 || got.Per > maxPer {
			t.Fatalf("%+v", got)
		}
		const slack = 1 + 1e-9 // of the floats themselves
		if got.Requests > 1 && float64(got.Requests)/got.Per.Seconds() > rate/per*slack {
			t.Fatalf("%g per %g is %d per %s", rate, per, got.Requests, got.Per)
		}
	})
}
