package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// errUnconfirmed says that a change was made, but that too few replicas have it: a
// failover might lose it.
var errUnconfirmed = errors.New("too few replicas have it: see replicas in the address")

// write sends a command that changes what is under a name. Where replicas are asked
// for it waits, in the same round trip, until so many have the change; until then it
// counts as not made. Without them redirections of a cluster are followed; with them
// a key that is elsewhere is an error, as WAIT only knows its own connection.
func (s *Store) write(ctx context.Context, name string, c goredis.Cmder) error {
	if s.replicas == 0 {
		return s.client.Process(ctx, c)
	}
	server, err := s.serverOf(ctx, name)
	if err != nil {
		c.SetErr(err)
		return err
	}
	pipe := server.Pipeline()
	_ = pipe.Process(ctx, c) // only queued
	confirmed := s.confirm(ctx, pipe)
	_, err = pipe.Exec(ctx)
	switch {
	case c.Err() != nil:
		if err != nil && !isReply(c.Err()) {
			c.SetErr(err) // as the hook says it
		}
		if elsewhere(c.Err()) {
			s.lookAround()
		}
	case confirmed() != nil:
		c.SetErr(confirmed())
	}
	return c.Err()
}

// confirm queues the question how many replicas have what the same pipeline has
// changed; after it the function says whether they are enough.
func (s *Store) confirm(ctx context.Context, pipe goredis.Pipeliner) func() error {
	if s.replicas == 0 {
		return func() error { return nil }
	}
	// Time for a second pipeline, with the source of a script that was not known. An
	// idle server looks at its clock ten times a second: with a budget that is longer
	// than that, too few replicas are an answer; else there is none.
	patience := max(s.timeout/3, time.Millisecond)
	c := goredis.NewIntCmd(ctx, "wait", s.replicas, patience.Milliseconds())
	_ = pipe.Process(ctx, c) // only queued
	return func() error {
		if n, err := c.Result(); err != nil || n < int64(s.replicas) {
			return errUnconfirmed
		}
		return nil
	}
}

// serverOf gives the server that has a key.
func (s *Store) serverOf(ctx context.Context, name string) (*goredis.Client, error) {
	cluster, is := s.client.(*goredis.ClusterClient)
	if !is {
		return s.lane.server, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return cluster.MasterForKey(ctx, name)
}
