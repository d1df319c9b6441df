package file

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
)

// load fills memory from the log. What this tollgate can not read stays in the
// log and is remembered as being there, so that it is not written over by
// accident.
func (s *Store) load() error {
	return s.log.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			bucket := string(name)
			end, hourly := endOf(bucket)
			if bucket != bucketForever && !hourly {
				return nil
			}
			if hourly && !s.now().Before(end) {
				return nil
			}
			unreadable := store.Record{Version: store.Any}
			if hourly {
				unreadable.Expires = end.Add(-time.Millisecond)
			}
			return b.ForEach(func(k, v []byte) error {
				key, ok := readLogKey(k)
				if !ok {
					s.hooks.Unreadable(store.Kind("unknown"))
					return nil
				}
				r, ok := store.Decode(v)
				if !ok {
					r = unreadable
				}
				return s.remember(key, r)
			})
		})
	})
}

// remember takes a record of the log into memory. Of two with one key the later
// write counts; the other is the rest of one that had expired.
func (s *Store) remember(key store.Key, r store.Record) error {
	if !r.Expires.IsZero() && !r.Expires.After(s.now()) {
		return nil
	}
	if known, there := s.table.State(key); there && known > r.Version {
		return nil
	}
	if err := s.table.Set(key, r, store.Any); err != nil {
		return fmt.Errorf("it does not fit into memory: %w", err)
	}
	return nil
}
