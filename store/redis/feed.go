package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// How the feed is read.
const (
	readBlock  = time.Second // how long a read waits for an event
	readCount  = 512         // events per read
	retryAfter = 100 * time.Millisecond
	retryMost  = time.Second

	fieldTopic   = "t"
	fieldPayload = "p"
)

// Publish implements store.Feed.
func (s *Store) Publish(ctx context.Context, topic string, payload []byte) (store.Position, error) {
	if err := (store.Event{Topic: topic, Payload: payload}).Check(); err != nil {
		return "", err
	}
	var at store.Position
	err := s.call(ctx, "publish", func(ctx context.Context) (err error) {
		at, err = s.append(ctx, topic, payload)
		return err
	})
	return at, err
}

func (s *Store) append(ctx context.Context, topic string, payload []byte) (store.Position, error) {
	name := s.layout.Stream()
	c := goredis.NewStringCmd(ctx, "xadd", name, "maxlen", "~", store.FeedLength, "*", fieldTopic, topic, fieldPayload, payload)
	_ = s.write(ctx, name, c) // the command has the error
	id, err := c.Result()
	return store.Position(id), err
}

// Head implements store.Feed. A feed without events gets a mark, which no
// follower sees: a position always names an entry, so that its absence tells
// that entries are missing.
func (s *Store) Head(ctx context.Context) (store.Position, error) {
	var at store.Position
	err := s.call(ctx, "head", func(ctx context.Context) error {
		last, err := s.client.XRevRangeN(ctx, s.layout.Stream(), "+", "-", 1).Result()
		if err != nil {
			return err
		}
		if len(last) > 0 {
			at = store.Position(last[0].ID)
			return nil
		}
		at, err = s.append(ctx, "", nil)
		return err
	})
	return at, err
}

// Subscribe implements store.Feed.
func (s *Store) Subscribe(ctx context.Context, from store.Position, f store.Follower) error {
	if !isPosition(from) {
		return fmt.Errorf("%w: position in the feed", store.ErrInvalid)
	}
	wait := retryAfter
	block := time.Duration(-1) // the first read does not wait: the contact comes at once
	for {
		start := s.now()
		entries, err := s.readUntil(ctx, from, block)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case s.ended.Err() != nil:
			return fmt.Errorf("%w: closed", store.ErrUnavailable)
		case errors.Is(err, store.ErrGap):
			return err
		case err != nil:
			pause(ctx, s.ended, wait)
			wait = min(2*wait, retryMost)
			continue
		}
		wait, block = retryAfter, readBlock
		for _, entry := range entries {
			from = store.Position(entry.ID)
			s.tellOf(entry, f)
		}
		if len(entries) < readCount {
			f.Contact(start)
		}
	}
}

// readUntil is read, given up when ctx ends: a read that waits for an event can
// not be stopped, but it ends by itself within its time.
func (s *Store) readUntil(ctx context.Context, after store.Position, block time.Duration) ([]goredis.XMessage, error) {
	type result struct {
		entries []goredis.XMessage
		err     error
	}
	done := make(chan result, 1)
	go func() {
		entries, err := s.read(context.WithoutCancel(ctx), after, block)
		done <- result{entries, err}
	}()
	select {
	case r := <-done:
		return r.entries, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// read waits for entries after a position. That the entry at the position is
// still there afterwards proves that none in between has been trimmed, flushed
// or lost in a failover.
func (s *Store) read(ctx context.Context, after store.Position, block time.Duration) ([]goredis.XMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, readBlock+ioTimeout)
	defer cancel()
	start := time.Now()
	name := s.layout.Stream()
	streams, err := s.tail.XRead(ctx, &goredis.XReadArgs{
		Streams: []string{name, string(after)}, Count: readCount, Block: block,
	}).Result()
	if errors.Is(err, goredis.Nil) {
		err = nil
	}
	var still []goredis.XMessage
	if err == nil {
		still, err = s.tail.XRangeN(ctx, name, string(after), string(after), 1).Result()
	}
	s.hooks.Call("feed", time.Since(start), meaning(err))
	switch {
	case err != nil:
		return nil, meaning(err)
	case len(still) == 0:
		return nil, store.ErrGap
	case len(streams) == 0:
		return nil, nil
	}
	return streams[0].Messages, nil
}

func (s *Store) tellOf(entry goredis.XMessage, f store.Follower) {
	topic, ok := entry.Values[fieldTopic].(string)
	payload, ok2 := entry.Values[fieldPayload].(string)
	switch {
	case !ok || !ok2:
		s.hooks.Unreadable("feed")
	case topic != "":
		f.Event(store.Event{At: store.Position(entry.ID), Topic: topic, Payload: []byte(payload)})
	}
}

func isPosition(p store.Position) bool {
	ms, seq, ok := strings.Cut(string(p), "-")
	_, err := strconv.ParseUint(ms, 10, 64)
	_, err2 := strconv.ParseUint(seq, 10, 64)
	return ok && err == nil && err2 == nil
}

func pause(ctx, other context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-other.Done():
	case <-t.C:
	}
}
