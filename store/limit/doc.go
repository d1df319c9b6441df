// Package limit is the arithmetic of rate limits and quotas: a packed record, the
// limits of one request and an instant go in, a verdict and the next record come
// out. It is pure: the clock is a parameter, nothing is kept, nothing fails. The
// drivers (in process, Lua in Redis) only make a step atomic.
//
// limit.go says what a limit is, record.go how states are packed, take.go how the
// limits of one request are charged together or not at all, usage.go how they are
// read, reset and topped up. window.go, bucket.go, log.go and count.go hold one
// algorithm each.
//
// # Numbers
//
// Instants are microseconds since 1970, durations microseconds. Every number is an
// integer between 0 and 2^53-1 and every sum, difference and product of integers
// stays below 2^53 in size, so that a language with nothing but IEEE doubles (Lua
// 5.1) computes the same. Floating point occurs in two places, both in doubles
// with one rounding per operation, in the order written: the share of the
// previous window (window.go), and the first guess of a bucket's remaining
// permits (bucket.go, corrected exactly). Sums that could pass 2^53-1 saturate.
//
// # Record, version 1
//
//	record  = 0x01 entry…
//	entry   = id[8] kind[1] length[2] payload[length]
//	payload = dead[7] …
//
// Numbers are big endian and unsigned. dead is the instant from which the entry
// says nothing: any entry with dead <= now is skipped when read and dropped when
// written, whatever its kind.
//
//	kind 1, sliding window   dead[7] previous[7] current[7]
//	kind 2, token bucket     dead[7] fraction[7]
//	kind 3, sliding log      dead[7] instant[7]…
//	kind 4, fixed window     dead[7] count[7] [extra[7]]
//	kind 5, quota            dead[7] count[7] [extra[7]]
//
// An extra of 0 is left out when written; when read it may be there.
//
// An entry of an unknown kind is kept while it lives. A record whose version is
// another, whose entries do not fill it exactly, in which a known kind has another
// length (a log 0 to 1000 instants), an unknown one fewer than 7 bytes, or a
// number is 2^53 or more (instants of a log and what follows dead in an unknown
// kind are not looked at), is foreign: it counts as empty. Instants of a log
// beyond 2^53-1 are read as that. Of several entries with the id of a limit the
// first of its kind counts; one of another kind counts as absent.
//
// # Writing
//
// A record is written when everything was admitted with a cost above 0, or when a
// state had to be repaired. It holds first the living entries of other limits, in
// the order in which they were, then one entry for each limit of the request that
// has something to say, in the order of the request. If that is longer than
// MaxRecord, the entries of other limits that die first are left out, all of an
// instant together, until it fits. A record without entries is written as nothing
// at all: the driver deletes its key.
//
// # Clocks that jump
//
// Within a record time does not run backwards: a state from the future, by one
// window at most, is read as if it were of now. One from further ahead cannot be
// ours or is from before a large step of the clock; it is repaired: what it has
// counted is kept, its time begins anew. A repair is written even when the request
// is refused, so that nobody is refused for longer than one window.
package limit
