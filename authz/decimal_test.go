package authz

import (
	"encoding/json"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimal(t *testing.T) {
	same := [][]string{
		{"0", "-0", "0.0", "0e7", "-0.00e-3"},
		{"2", "2.0", "20e-1", "0.2e1", "2e0", "2E+0"},
		{"-15", "-1.5e1", "-150e-1"},
		{"9007199254740993"},
		{"9007199254740992"},
		{"1e400"},
		{"1e999999999999"},
	}
	for i, group := range same {
		for _, a := range group {
			for j, other := range same {
				for _, b := range other {
					if got := decimal(a) == decimal(b); got != (i == j) {
						t.Errorf("%s and %s: equal is %v", a, b, got)
					}
				}
			}
		}
	}
}

func TestDecimalAgreesWithRationals(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if !json.Valid([]byte(a)) || !json.Valid([]byte(b)) {
			t.Fatalf("no JSON: %s %s", a, b)
		}
		x, _ := new(big.Rat).SetString(a)
		y, _ := new(big.Rat).SetString(b)
		if (x.Cmp(y) == 0) != (decimal(a) == decimal(b)) {
			t.Fatalf("%s (%s) and %s (%s)", a, decimal(a), b, decimal(b))
		}
	})
}
