package jws

import "time"

// DateState says what a NumericDate claim was.
type DateState uint8

// The states of a NumericDate. The zero value is DateAbsent.
const (
	DateAbsent    DateState = iota // no such member
	DateMalformed                  // there, but no number, or outside the years 1 to 9999
	DatePresent
)

// The seconds of 0001-01-01T00:00:00Z, negated, and of 9999-12-31T23:59:59Z.
// Beyond them a number is a mistake (milliseconds, an overflow), not a date.
const (
	earliest = 62135596800
	latest   = 253402300799
)

// Date reads v as a NumericDate (RFC 7519 section 2). The instant is rounded up
// to the nanosecond: for a now in whole nanoseconds both now.Before(exp) and
// !now.Before(nbf) then answer as the exact decimal fraction would. null is
// malformed, not absent.
func (v Value) Date() (time.Time, DateState) {
	switch v.kind {
	case Absent:
		return time.Time{}, DateAbsent
	case Number:
	case Null, Bool, String, Array, ObjectKind:
		return time.Time{}, DateMalformed
	}
	d, ok := readDecimal(v.raw)
	if !ok {
		return time.Time{}, DateMalformed
	}
	if d.negative {
		if d.seconds > earliest || d.seconds == earliest && d.nanos > 0 {
			return time.Time{}, DateMalformed
		}
		return time.Unix(-d.seconds, -d.nanos).UTC(), DatePresent
	}
	if d.more {
		d.nanos++
	}
	if d.seconds+d.nanos/1e9 > latest {
		return time.Time{}, DateMalformed
	}
	return time.Unix(d.seconds, d.nanos).UTC(), DatePresent
}

// decimal is the size of a number: seconds and nanoseconds, and whether there is
// more behind the ninth decimal.
type decimal struct {
	negative bool
	seconds  int64
	nanos    int64
	more     bool
}

// readDecimal reads a JSON number without rounding, whatever its length. It
// gives false from 10^12 on.
func readDecimal(text string) (decimal, bool) {
	mantissa, point := splitNumber(text)
	d := decimal{negative: text[0] == '-'}
	index := int64(0) // of the digit in the mantissa
	for _, c := range []byte(mantissa) {
		if c == '-' || c == '.' {
			continue
		}
		place := point - 1 - index
		index++
		digit := int64(c - '0')
		switch {
		case digit == 0:
		case place > 11:
			return decimal{}, false
		case place >= 0:
			d.seconds += digit * power10(place)
		case place >= -9:
			d.nanos += digit * power10(place+9)
		default:
			d.more = true
		}
	}
	return d, true
}

// splitNumber cuts the exponent off and says how many digits of the mantissa
// stand before the point once the exponent, of three digits at most, is applied.
func splitNumber(text string) (mantissa string, point int64) {
	end := len(text)
	exponent, sign := int64(0), int64(1)
	for i := range len(text) {
		if text[i] != 'e' && text[i] != 'E' {
			continue
		}
		end = i
		for _, c := range []byte(text[i+1:]) {
			switch {
			case c == '-':
				sign = -1
			case c != '+':
				exponent = exponent*10 + int64(c-'0')
			}
		}
		break
	}
	mantissa = text[:end]
	for _, c := range []byte(mantissa) {
		if c == '.' {
			break
		}
		if c != '-' {
			point++
		}
	}
	return mantissa, point + sign*exponent
}

func power10(n int64) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}
