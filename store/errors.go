package store

import "errors"

// Every backend answers with one of these, wrapped with what it knows. An error
// that is none of them is a mistake of the caller (an id that is too long).
var (
	// ErrNotFound says that there is no such record, that it has expired, or
	// that what is there can not be read by this version of tollgate.
	ErrNotFound = errors.New("no such record")
	// ErrConflict says that the condition of a write did not hold.
	ErrConflict = errors.New("the record is not in the state that was asked for")
	// ErrUnavailable says that the store could not be asked in time, or could
	// not answer. A write may or may not have happened.
	ErrUnavailable = errors.New("store unavailable")
	// ErrGap says that events between the given position and the oldest one
	// still kept are lost: read the records again and subscribe from Head.
	ErrGap = errors.New("the feed does not reach back to that position")
	// ErrInvalid says that a key, value or event breaks a bound of this package.
	ErrInvalid = errors.New("not storable")
)
