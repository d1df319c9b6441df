package authz

import (
	"strconv"
	"strings"
)

// decimal writes a JSON number in one exact form, digits and a power of ten, so
// that 2, 2.0 and 20e-1 are equal and no two different numbers are: floats would
// make 9007199254740993 equal to 9007199254740992.
func decimal(number string) string {
	mantissa, exponent := number, 0
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		e, err := strconv.Atoi(number[at+1:])
		if err != nil || e > 1<<30 || e < -(1<<30) {
			return number // beyond every use; equal only to itself
		}
		mantissa, exponent = number[:at], e
	}
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	if digits == "" {
		return "0"
	}
	short := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(short)
	return sign + short + "e" + strconv.Itoa(exponent)
}
