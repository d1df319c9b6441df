package store

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"
)

// Kind is the sort of a record. Records of two kinds never meet.
type Kind string

// Kinds of records.
const (
	KindCredential Kind = "cred"  // per-key secrets ("JWT ID" keys)
	KindRevocation Kind = "rev"   // what has been revoked
	KindOverride   Kind = "over"  // per-identity overrides
	KindSession    Kind = "sess"  // index of split tokens by subject, client, id
	KindReplica    Kind = "node"  // heartbeats, to count replicas
	KindMeta       Kind = "meta"  // facts about the store itself
	KindSplit      Kind = "split" // split tokens
	KindLimit      Kind = "lim"   // counters
)

// Listed tells whether records of this kind can be listed. The kinds that
// clients multiply, split tokens and counters, can not: no index is kept for
// them.
func (k Kind) Listed() bool {
	switch k {
	case KindCredential, KindRevocation, KindOverride, KindSession, KindReplica, KindMeta:
		return true
	case KindSplit, KindLimit:
		return false
	}
	return false
}

// Bounds of what can be stored.
const (
	MaxID    = 256     // bytes of an id; longer ones are hashed by who writes them
	MaxValue = 1 << 20 // bytes of a value
	MaxEvent = 4 << 10 // bytes of the payload of an event
	MaxTopic = 64      // bytes of the topic of an event
)

// Key names a record. ID is any sequence of bytes: a keyed hash, or parts
// joined by Frame.
type Key struct {
	Kind Kind
	ID   string
}

// Check answers ErrInvalid for a key that no backend takes.
func (k Key) Check() error {
	switch {
	case !k.known():
		return fmt.Errorf("%w: kind %q", ErrInvalid, string(k.Kind))
	case k.ID == "":
		return fmt.Errorf("%w: empty id of kind %s", ErrInvalid, k.Kind)
	case len(k.ID) > MaxID:
		return fmt.Errorf("%w: id of %d bytes of kind %s", ErrInvalid, len(k.ID), k.Kind)
	}
	return nil
}

func (k Key) known() bool {
	return k.Kind.Listed() || k.Kind == KindSplit || k.Kind == KindLimit
}

// String shows the kind and the length of the id, never the id.
func (k Key) String() string { return fmt.Sprintf("%s record (id of %d bytes)", k.Kind, len(k.ID)) }

// Frame joins parts so that no two lists of parts give the same id: each part
// follows its length.
func Frame(parts ...string) string {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return string(b)
}

// Partitions is how many parts the records of a listed kind are spread over.
const Partitions = 64

// Partition says which part an id belongs to. Lists go through the parts in
// order and through the ids of each part in order, so a cursor stays good while
// records come and go.
func Partition(id string) int {
	h := fnv.New32a()
	h.Write([]byte(id)) // a hash never fails
	sum := h.Sum32()
	return int((sum ^ sum>>16) % Partitions)
}

// Layout turns keys into the names that a shared store knows them by:
//
//	PREFIX:KIND:{ID}          kinds that are not listed, one slot per id
//	PREFIX:KIND:{KIND.NN}:ID  listed kinds, one slot per partition
//
// with ID in base64url, so that no id can break out of the braces.
type Layout struct{ Prefix string }

// Name is the name of a record.
func (l Layout) Name(k Key) string {
	if k.Kind.Listed() {
		return l.partition(k.Kind, Partition(k.ID)) + ":" + base64.RawURLEncoding.EncodeToString([]byte(k.ID))
	}
	var room [160]byte // most names: they are made for every check
	name := append(append(room[:0], l.Prefix...), ':')
	name = append(append(name, k.Kind...), ":{"...)
	name = base64.RawURLEncoding.AppendEncode(name, []byte(k.ID))
	return string(append(name, '}'))
}

// Index is the name of the list of ids of one partition; Expiries that of the
// same ids by the time at which they expire.
func (l Layout) Index(kind Kind, partition int) string {
	return l.partition(kind, partition) + "#ids"
}

// Expiries is the name of the ids of one partition by the time of expiry.
func (l Layout) Expiries(kind Kind, partition int) string {
	return l.partition(kind, partition) + "#exp"
}

// Stream is the name of the feed.
func (l Layout) Stream() string { return l.Prefix + ":{feed}" }

func (l Layout) partition(kind Kind, n int) string {
	return fmt.Sprintf("%s:%s:{%s.%02d}", l.Prefix, kind, kind, n)
}

// Check refuses a prefix that could change the slot or the meaning of a name.
func (l Layout) Check() error {
	if l.Prefix == "" || len(l.Prefix) > 64 {
		return fmt.Errorf("store prefix: 1 to 64 characters, not %d", len(l.Prefix))
	}
	if i := strings.IndexFunc(l.Prefix, outsidePrefix); i >= 0 {
		return fmt.Errorf("store prefix: letters, digits, '.', '_' and '-' only, not %q", l.Prefix[i])
	}
	return nil
}

func outsidePrefix(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return r != '.' && r != '_' && r != '-'
}
