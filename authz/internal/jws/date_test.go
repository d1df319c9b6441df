package jws

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(t *testing.T, number string) (time.Time, DateState) {
	t.Helper()
	o, err := ParseObject(`{"d":` + number + `}`)
	if err != nil {
		t.Fatal(err)
	}
	return o.Get("d").Date()
}

func TestDate(t *testing.T) {
	tests := []struct {
		number string
		want   time.Time
	}{
		{"0", time.Unix(0, 0)},
		{"-0", time.Unix(0, 0)},
		{"-0.0e9", time.Unix(0, 0)},
		{"1", time.Unix(1, 0)},
		{"-1", time.Unix(-1, 0)},
		{"1700000000", time.Unix(1700000000, 0)},
		{"1700000000.5", time.Unix(1700000000, 500000000)},
		{"1000000000.75", time.Unix(1000000000, 750000000)},
		{"1.7e9", time.Unix(1700000000, 0)},
		{"1.7000000005E+9", time.Unix(1700000000, 500000000)},
		{"17000000000e-1", time.Unix(1700000000, 0)},
		{"1700000000.0000000001", time.Unix(1700000000, 1)}, // rounded up
		{"1700000000.9999999999", time.Unix(1700000001, 0)},
		{"1700000000.999999999", time.Unix(1700000000, 999999999)},
		{"-1.5", time.Unix(-1, -500000000)},
		{"-0.0000000001", time.Unix(0, 0)}, // up
		{"1e-400", time.Unix(0, 1)},
		{"0e999", time.Unix(0, 0)},
		{"253402300799", time.Unix(253402300799, 0)},
		{"-62135596800", time.Unix(-62135596800, 0)},
		{"1" + strings.Repeat("0", 400) + "e-400", time.Unix(1, 0)},
	}
	for _, tt := range tests {
		got, state := date(t, tt.number)
		if state != DatePresent || !got.Equal(tt.want) {
			t.Errorf("%s = %v (%d), want %v", tt.number, got, state, tt.want.UTC())
		}
	}
}

func TestDateMalformed(t *testing.T) {
	for _, number := range []string{
		"null", `"1700000000"`, `"2100-01-01T00:00:00Z"`, "true", "false", "[1]", "{}", `""`,
		"253402300800", "-62135596801", "-62135596800.1", "1700000000000", "1e12", "1e400", "-1e400", "1e999",
		"9223372036854775807", "9223372036854775808", "18446744073709551616", "253402300799.9999999999",
	} {
		if got, state := date(t, number); state != DateMalformed {
			t.Errorf("%s = %v (%d), want malformed", number, got, state)
		}
	}
	if _, state := (Value{}).Date(); state != DateAbsent {
		t.Errorf("an absent value is %d", state)
	}
}

// For every now in whole nanoseconds the rounded instant compares as the exact
// number does.
func TestDateComparesExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,14})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
		o, err := ParseObject(`{"d":` + number + `}`)
		if err != nil {
			t.Fatal(err)
		}
		got, state := o.Get("d").Date()
		exact, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("big.Rat does not read %s", number)
		}
		low := big.NewRat(-62135596800, 1)
		high := ratOf(time.Unix(253402300799, 999999999))
		if exact.Cmp(low) < 0 || exact.Cmp(high) > 0 {
			if state != DateMalformed {
				t.Fatalf("%s is out of range, got %v", number, got)
			}
			return
		}
		if state != DatePresent {
			t.Fatalf("%s: state %d", number, state)
		}
		for _, offset := range []time.Duration{-time.Second, -1, 0, 1, time.Second} {
			now := got.Add(offset)
			if before := now.Before(got); before != (ratOf(now).Cmp(exact) < 0) {
				t.Fatalf("%s: now %v before %v is %v", number, now, got, before)
			}
		}
	})
}

func ratOf(at time.Time) *big.Rat {
	nanos := new(big.Int).Mul(big.NewInt(at.Unix()), big.NewInt(1e9))
	nanos.Add(nanos, big.NewInt(int64(at.Nanosecond())))
	return new(big.Rat).SetFrac(nanos, big.NewInt(1e9))
}
