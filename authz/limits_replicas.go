package authz

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// replicas are the processes that share a store, as far as their heartbeats tell.
// While the store is away the last known number stays.
type replicas struct {
	id    string
	known atomic.Pointer[replicaSet]
}

// replicaSet is one count of them.
type replicaSet struct {
	own   uint64
	other []uint64
}

func (r *replicaSet) count() int { return 1 + len(r.other) }

// rank is the place of this process in the order that a record's lot puts all
// processes in: each of them has another one, and all agree.
func (r *replicaSet) rank(record string) int64 {
	key := hashOf(record)
	own, before := mix(key^r.own), int64(0)
	for _, other := range r.other {
		if mix(key^other) < own {
			before++
		}
	}
	return before
}

func hashOf(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// mix is the finisher of splitmix64: nearby numbers end far from each other.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// begin gives this process a name of its own.
func (r *replicas) begin() {
	var id [16]byte
	rand.Read(id[:]) //nolint:errcheck // never returns an error (Go 1.24)
	r.id = string(id[:])
	r.known.Store(&replicaSet{own: binary.BigEndian.Uint64(id[:])})
}

func (r *replicas) now() *replicaSet { return r.known.Load() }

// A process says every so often that it is there; one that was not heard of for
// longer is gone.
const (
	beatPeriod = 5 * time.Second
	beatLife   = 3 * beatPeriod
)

// beat tells the others of this process and counts them, until ctx ends.
func (l *Limits) beat(ctx context.Context, at *countedAt) {
	tick := time.NewTicker(beatPeriod)
	defer tick.Stop()
	key := store.Key{Kind: store.KindReplica, ID: l.replicas.id}
	for {
		if err := l.replicas.count(ctx, at, l.options.Now()); err != nil && ctx.Err() == nil {
			l.options.Failed(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			// An orderly end is told at once; a store that is away hears of it later.
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = at.Delete(last, key, store.Any)
			return
		}
	}
}

func (r *replicas) count(ctx context.Context, kv store.KV, now time.Time) error {
	key := store.Key{Kind: store.KindReplica, ID: r.id}
	_, failed := kv.Put(ctx, key, nil, store.Write{Expires: now.Add(beatLife)})
	set := &replicaSet{own: r.now().own}
	for item, err := range store.All(ctx, kv, store.Key{Kind: store.KindReplica}) {
		if err != nil {
			return errors.Join(failed, err)
		}
		if id := item.Key.ID; id != r.id && len(id) >= 8 {
			set.other = append(set.other, binary.BigEndian.Uint64([]byte(id)))
		}
	}
	r.known.Store(set)
	return failed
}
