package policies

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// CounterID is the identity of a counter within a session: equal for equal
// limits across reloads and replicas.
type CounterID [8]byte

// Limit is a rate or a quota together with the counter that it is charged on.
// Exactly one of Rate and Quota is set.
type Limit struct {
	Policy  string // id of the policy that it comes from
	API     string // "" counts over all APIs that the limit governs
	Entry   string // "GET,POST /orders" for a limit of an access entry, else ""
	Rate    *Rate
	Quota   *Quota
	Counter CounterID

	period *period // of a calendar quota
}

// countedRate gives the limit of a policy's or an entry's rate, nil where none is
// written.
func countedRate(owner key, api, entry string, rate *Rate) *Limit {
	if rate == nil {
		return nil
	}
	l := &Limit{Policy: owner.id, API: api, Entry: entry, Rate: rate}
	l.Counter = counterID("rate", owner, api, entry)
	return l
}

// countedQuota gives the limit of a policy's quota, nil where none is written.
func countedQuota(owner key, api string, quota *Quota) *Limit {
	if quota == nil {
		return nil
	}
	l := &Limit{Policy: owner.id, API: api, Quota: quota, period: quotaPeriod(quota)}
	l.Counter = counterID("quota", owner, api, "")
	return l
}

// counterID is the start of a SHA-256 over the length-framed parts, so that no
// two lists of names run into each other.
func counterID(kind string, owner key, api, entry string) CounterID {
	var framed []byte
	for _, part := range []string{kind, owner.org, owner.id, api, entry} {
		framed = binary.BigEndian.AppendUint64(framed, uint64(len(part)))
		framed = append(framed, part...)
	}
	sum := sha256.Sum256(framed)
	return CounterID(sum[:len(CounterID{})])
}

// entryText names an access entry by what it says, so that its counter survives
// edits elsewhere in the policy.
func entryText(entry *AllowSpec) string {
	methods := slices.Sorted(slices.Values(entry.Methods))
	return strings.Join(slices.Compact(methods), ",") + " " + entry.Path
}
