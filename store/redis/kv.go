package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// Get implements store.KV.
func (s *Store) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := key.Check(); err != nil {
		return store.Record{}, err
	}
	var r store.Record
	err := s.call(ctx, "get", func(ctx context.Context) error {
		b, err := s.client.Get(ctx, s.layout.Name(key)).Bytes()
		if strings.HasPrefix(replyText(err), "WRONGTYPE") {
			return errForeign
		}
		if err != nil {
			return err
		}
		decoded, ok := store.Decode(b)
		if !ok {
			return errForeign
		}
		r = decoded
		return nil
	})
	if errors.Is(err, errForeign) {
		s.hooks.Unreadable(key.Kind)
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, err
	}
	return r, nil
}

// Put implements store.KV.
func (s *Store) Put(ctx context.Context, key store.Key, value []byte, w store.Write) (store.Version, error) {
	if err := key.Check(); err != nil {
		return store.Any, err
	}
	if len(value) > store.MaxValue {
		return store.Any, fmt.Errorf("%w: value of %d bytes", store.ErrInvalid, len(value))
	}
	version := newVersion()
	envelope := store.Encode(store.Record{Value: value, Version: version, Expires: w.Expires})
	err := s.call(ctx, "put", func(ctx context.Context) error {
		if !key.Kind.Listed() && (w.If == store.Any || w.If == store.Absent) {
			return s.set(ctx, s.layout.Name(key), envelope, w)
		}
		done, err := s.put.run(ctx, s, s.names(key), condition(w.If), envelope, store.Millis(w.Expires), key.ID)
		return held(done, err)
	})
	if err != nil {
		return store.Any, err
	}
	return version, nil
}

// set writes a record that is in no list with one plain command.
func (s *Store) set(ctx context.Context, name string, envelope []byte, w store.Write) error {
	cmd := []any{"SET", name, envelope}
	if w.If == store.Absent {
		cmd = append(cmd, "NX")
	}
	if ms := store.Millis(w.Expires); ms != 0 {
		cmd = append(cmd, "PXAT", ms)
	}
	err := s.write(ctx, name, goredis.NewCmd(ctx, cmd...))
	if errors.Is(err, goredis.Nil) {
		return store.ErrConflict
	}
	return err
}

// Delete implements store.KV.
func (s *Store) Delete(ctx context.Context, key store.Key, cond store.Version) error {
	if err := key.Check(); err != nil {
		return err
	}
	return s.call(ctx, "delete", func(ctx context.Context) error {
		if cond == store.Any && !key.Kind.Listed() {
			name := s.layout.Name(key)
			return s.write(ctx, name, goredis.NewIntCmd(ctx, "del", name))
		}
		done, err := s.delete.run(ctx, s, s.names(key), condition(cond), key.ID)
		return held(done, err)
	})
}

// names are the keys that a write of a record touches, all in one slot.
func (s *Store) names(key store.Key) []string {
	names := []string{s.layout.Name(key)}
	if key.Kind.Listed() {
		p := store.Partition(key.ID)
		names = append(names, s.layout.Index(key.Kind, p), s.layout.Expiries(key.Kind, p))
	}
	return names
}

// condition is a version as the scripts compare it.
func condition(v store.Version) string {
	switch v {
	case store.Any:
		return ""
	case store.Absent:
		return "absent"
	}
	return string(binary.BigEndian.AppendUint64(nil, uint64(v)))
}

func held(done int64, err error) error {
	if err == nil && done == 0 {
		return store.ErrConflict
	}
	return err
}

// newVersion is random: no round trip is needed to know which versions there
// were, and none comes back.
func newVersion() store.Version {
	for {
		var b [8]byte
		rand.Read(b[:]) // never returns an error (Go 1.24)
		v := store.Version(binary.BigEndian.Uint64(b[:]))
		if v != store.Any && v != store.Absent {
			return v
		}
	}
}
