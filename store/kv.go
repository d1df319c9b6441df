package store

import (
	"context"
	"iter"
	"math"
	"time"
)

// Version names one state of one record. Every write gives the record a new
// one; it says nothing else. A version read is a condition for the next write.
type Version uint64

// Conditions that are no version of a record.
const (
	Any    Version = 0              // write whatever is there
	Absent Version = math.MaxUint64 // write only when there is no record
)

// Holds tells whether a write on condition v may happen to a record that is
// there (or not) with version now. A record that can not be read is there with
// version Any.
func (v Version) Holds(now Version, there bool) bool {
	switch v {
	case Any:
		return true
	case Absent:
		return !there
	}
	return there && v == now
}

// Record is what was stored.
type Record struct {
	Value   []byte
	Version Version
	Expires time.Time // zero: never; kept to the millisecond
}

// Write says on which condition a record is written and how long it is kept.
type Write struct {
	If      Version   // Any, Absent or the version that must be there
	Expires time.Time // zero: never; a time that has passed deletes at once
}

// Item is one record of a list.
type Item struct {
	Key Key
	Record
}

// Cursor says where a list goes on. "" is the beginning; it means something
// only to the backend that gave it.
type Cursor string

// Page is a part of a list. Next is "" on the last page; a page may be empty
// without being the last.
type Page struct {
	Items []Item
	Next  Cursor
}

// PageSize is the most items of a page.
const PageSize = 512

// KV keeps records. Its methods may be called from many goroutines; each takes
// effect at one instant. Values are copied on the way in and on the way out.
type KV interface {
	// Get answers the record or ErrNotFound.
	Get(ctx context.Context, key Key) (Record, error)
	// Put writes a record, durably as far as the backend can say, and answers
	// its new version; ErrConflict when w.If does not hold. A record that this
	// tollgate can not read is there for Absent and has no version.
	Put(ctx context.Context, key Key, value []byte, w Write) (Version, error)
	// Delete removes a record; ErrConflict when the condition does not hold.
	// With Any, deleting nothing is no error.
	Delete(ctx context.Context, key Key, cond Version) error
	// List answers records of a listed kind whose id begins with prefix.ID. A
	// record that is there from the first to the last page is listed exactly
	// once.
	List(ctx context.Context, prefix Key, from Cursor) (Page, error)
}

// All goes through all pages of a list. It stops after the first error.
func All(ctx context.Context, kv KV, prefix Key) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var at Cursor
		for {
			page, err := kv.List(ctx, prefix, at)
			if err != nil {
				yield(Item{}, err)
				return
			}
			for _, it := range page.Items {
				if !yield(it, nil) {
					return
				}
			}
			if at = page.Next; at == "" {
				return
			}
		}
	}
}
