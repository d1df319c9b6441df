package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Table holds records in this process. It is what memory and file serve every
// read from; where a record is written first is their affair.
type Table struct {
	limit  int64
	now    func() time.Time
	hooks  Hooks
	bytes  atomic.Int64
	shards [Partitions]shard
}

// TableBytes is how much a table holds unless told otherwise, measured as the
// sum of ids and values and an allowance for each record.
const TableBytes = 2 << 30

// perRecord is what a record costs beside its id and value: the map entry, the
// two allocations rounded up, the room that a map keeps free (measured, see
// BenchmarkBytesPerRecord).
const perRecord = 128

type shard struct {
	mu    sync.RWMutex
	kinds map[Kind]map[string]held
}

// held is a record in memory. A record with version Any is one that can not be
// read: it is there, and it is nothing else.
type held struct {
	value   string
	version Version
	expires int64 // milliseconds, 0 is never
}

// NewTable makes an empty table that holds at most limit bytes (0: TableBytes).
func NewTable(limit int64, now func() time.Time, hooks Hooks) *Table {
	if limit <= 0 {
		limit = TableBytes
	}
	t := &Table{limit: limit, now: now, hooks: hooks.Filled()}
	for i := range t.shards {
		t.shards[i].kinds = make(map[Kind]map[string]held)
	}
	return t
}

// Get answers the record or ErrNotFound.
func (t *Table) Get(key Key) (Record, error) {
	s := &t.shards[Partition(key.ID)]
	s.mu.RLock()
	h, ok := s.kinds[key.Kind][key.ID]
	s.mu.RUnlock()
	switch {
	case !ok || h.expired(t.now()):
		return Record{}, ErrNotFound
	case h.version == Any:
		t.hooks.Unreadable(key.Kind)
		return Record{}, ErrNotFound
	}
	return h.record(), nil
}

// State says whether a record is there now and with which version.
func (t *Table) State(key Key) (Version, bool) {
	s := &t.shards[Partition(key.ID)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	h, ok := s.kinds[key.Kind][key.ID]
	if !ok || h.expired(t.now()) {
		return Any, false
	}
	return h.version, true
}

// Expiry says until when the log keeps a record, expired or not.
func (t *Table) Expiry(key Key) (time.Time, bool) {
	s := &t.shards[Partition(key.ID)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	h, ok := s.kinds[key.Kind][key.ID]
	return FromMillis(h.expires), ok
}

// Set writes a record when the condition holds: ErrConflict, or ErrUnavailable
// when the table is full.
func (t *Table) Set(key Key, r Record, cond Version) error {
	next := held{value: string(r.Value), version: r.Version, expires: Millis(r.Expires)}
	s := &t.shards[Partition(key.ID)]
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.kinds[key.Kind][key.ID]
	if !cond.Holds(old.version, there && !old.expired(t.now())) {
		return ErrConflict
	}
	grows := next.size(key)
	if there {
		grows -= old.size(key)
	}
	if t.bytes.Add(grows) > t.limit && grows > 0 {
		t.bytes.Add(-grows)
		return t.full()
	}
	if s.kinds[key.Kind] == nil {
		s.kinds[key.Kind] = make(map[string]held)
	}
	s.kinds[key.Kind][strings.Clone(key.ID)] = next
	return nil
}

// Room answers ErrUnavailable when so many records of so many bytes of ids and
// values together would not fit.
func (t *Table) Room(records, bytes int) error {
	if t.bytes.Load()+int64(bytes)+int64(records)*perRecord > t.limit {
		return t.full()
	}
	return nil
}

func (t *Table) full() error {
	return fmt.Errorf("%w: it holds %d MiB, which is its bound: use Redis for more", ErrUnavailable, t.limit>>20)
}

// Unset removes a record when the condition holds.
func (t *Table) Unset(key Key, cond Version) error {
	s := &t.shards[Partition(key.ID)]
	s.mu.Lock()
	defer s.mu.Unlock()
	old, there := s.kinds[key.Kind][key.ID]
	if !cond.Holds(old.version, there && !old.expired(t.now())) {
		return ErrConflict
	}
	if there {
		delete(s.kinds[key.Kind], key.ID)
		t.bytes.Add(-old.size(key))
	}
	return nil
}

// Bytes is what the table holds now.
func (t *Table) Bytes() int64 { return t.bytes.Load() }

// Limit is the most it holds.
func (t *Table) Limit() int64 { return t.limit }

// Sweep forgets expired records of one of the partitions. Called with one after
// the other, it never holds a lock for long.
func (t *Table) Sweep(partition int) {
	now := t.now()
	s := &t.shards[partition%Partitions]
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, records := range s.kinds {
		for id, h := range records {
			if h.expired(now) {
				delete(records, id)
				t.bytes.Add(-h.size(Key{Kind: kind, ID: id}))
			}
		}
	}
}

// SweepEvery sweeps one partition per tick until ctx ends.
func (t *Table) SweepEvery(ctx context.Context, tick time.Duration) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % Partitions {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			t.Sweep(i)
		}
	}
}

// List answers one page of a listed kind.
func (t *Table) List(prefix Key, from Cursor) (Page, error) {
	at, err := ReadCursor(prefix, from)
	if err != nil {
		return Page{}, err
	}
	var page Page
	for ; at.Partition < Partitions; at = (Place{Partition: at.Partition + 1}) {
		ids := t.idsAfter(prefix, at)
		for i, id := range ids {
			if len(page.Items) == PageSize {
				page.Next = Place{Partition: at.Partition, After: ids[i-1]}.Cursor()
				return page, nil
			}
			key := Key{Kind: prefix.Kind, ID: id}
			if r, err := t.Get(key); err == nil {
				page.Items = append(page.Items, Item{Key: key, Record: r})
			}
		}
		if len(page.Items) == PageSize && at.Partition+1 < Partitions {
			page.Next = Place{Partition: at.Partition + 1}.Cursor()
			return page, nil
		}
	}
	return page, nil
}

// idsAfter are the ids of one partition with the prefix, after the place, in
// order, and not many more than a page has room for.
func (t *Table) idsAfter(prefix Key, at Place) []string {
	s := &t.shards[at.Partition]
	s.mu.RLock()
	var ids []string
	for id := range s.kinds[prefix.Kind] {
		if id > at.After && strings.HasPrefix(id, prefix.ID) {
			ids = append(ids, id)
		}
	}
	s.mu.RUnlock()
	slices.Sort(ids)
	return ids
}

func (h held) expired(now time.Time) bool {
	return h.expires != 0 && h.expires <= now.UnixMilli()
}

func (h held) size(key Key) int64 {
	return int64(len(key.ID)) + int64(len(h.value)) + perRecord
}

func (h held) record() Record {
	return Record{Value: []byte(h.value), Version: h.version, Expires: FromMillis(h.expires)}
}
