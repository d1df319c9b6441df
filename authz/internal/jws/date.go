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

// Date reads v as a NumericDate (RFC 7519 section 2). The instant is rounded up
// to the nanosecond: for a now in whole nanoseconds both now.Before(exp) and
// !now.Before(nbf) then answer as the exact decimal fraction would. null is
// malformed, not absent.
func (v Value) Date() (time.Time, DateState) { return time.Time{}, DateMalformed }
