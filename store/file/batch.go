package file

import (
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
)

// batch is what a group of writes does to the records, before readers see it.
type batch struct {
	s      *Store
	tx     *bolt.Tx
	now    time.Time
	states map[store.Key]state
	order  []store.Key
	puts   int
	bytes  int // of ids and values of the puts
}

// state is a record as the batch leaves it.
type state struct {
	record store.Record
	there  bool
	lies   string // the bucket that has it in the log; "" is none
}

// take does one write, if its condition holds. An answer with another error
// than ErrConflict or ErrUnavailable ends the batch.
func (b *batch) take(w *write) answer {
	cur := b.stateOf(w.key)
	if !w.cond.Holds(cur.record.Version, cur.there) {
		return answer{err: store.ErrConflict}
	}
	if w.remove || !w.expires.IsZero() && !w.expires.After(b.now) {
		if err := b.drop(w.key, cur); err != nil {
			return answer{err: err}
		}
		b.leave(w.key, state{})
		// A write that has expired already was a write all the same.
		version, err := b.version()
		return answer{version: version, err: err}
	}
	size := len(w.key.ID) + len(w.value)
	if err := b.s.table.Room(b.puts+1, b.bytes+size); err != nil {
		return answer{err: err}
	}
	version, err := b.version()
	if err != nil {
		return answer{err: err}
	}
	next := state{
		record: store.Record{Value: w.value, Version: version, Expires: w.expires},
		there:  true,
		lies:   bucketOf(w.expires),
	}
	if cur.lies != next.lies {
		if err := b.drop(w.key, cur); err != nil {
			return answer{err: err}
		}
	}
	bucket, err := b.tx.CreateBucketIfNotExists([]byte(next.lies))
	if err == nil {
		err = bucket.Put(logKey(w.key), store.Encode(next.record))
	}
	if err != nil {
		return answer{err: err}
	}
	b.puts, b.bytes = b.puts+1, b.bytes+size
	b.leave(w.key, next)
	return answer{version: version}
}

func (b *batch) stateOf(key store.Key) state {
	if st, ok := b.states[key]; ok {
		return st
	}
	var st state
	st.record.Version, st.there = b.s.table.State(key)
	if expires, kept := b.s.table.Expiry(key); kept {
		st.lies = bucketOf(expires)
	}
	return st
}

func (b *batch) leave(key store.Key, st state) {
	if _, ok := b.states[key]; !ok {
		b.order = append(b.order, key)
	}
	b.states[key] = st
}

// drop removes a record from where the log has it.
func (b *batch) drop(key store.Key, st state) error {
	if st.lies == "" {
		return nil
	}
	bucket := b.tx.Bucket([]byte(st.lies))
	if bucket == nil { // its hour has been dropped
		return nil
	}
	return bucket.Delete(logKey(key))
}

// version counts the writes of this store, so that of two records of one key
// the later can be told.
func (b *batch) version() (store.Version, error) {
	n, err := b.tx.Bucket([]byte(bucketFacts)).NextSequence()
	return store.Version(n), err
}

// show makes the batch visible to readers.
func (b *batch) show() {
	for _, key := range b.order {
		st := b.states[key]
		if !st.there {
			_ = b.s.table.Unset(key, store.Any) // without condition there is no conflict
			continue
		}
		_ = b.s.table.Set(key, st.record, store.Any) // there is room, and only batches fill it
	}
}
