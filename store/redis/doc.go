// Package redis is the store of several machines: a Redis or Valkey, alone,
// watched by Sentinels, or a Cluster.
//
// Every call ends within its budget (Options.Timeout, 25 ms) and is sent at
// most once: what timed out may have happened, and is not asked again. A server
// that does not answer is left alone by its breaker until a ping in the
// background gets through.
//
// Order of the files: options.go (what is configured), dial.go (connections,
// TLS), client.go (the go-redis client and what it may not do), hook.go (between
// go-redis and each server), breaker.go (when a server is left alone),
// failure.go (what errors mean), confirm.go (when a change counts as made), kv.go,
// list.go, feed.go and counter.go (the roles), counter_batch.go (how counts travel
// together), counter_watch.go (when one is late), check.go and inspect.go (what to
// know about this store). Names of keys are those of store.Layout; scripts/ has
// what must happen in one step, scripts.go how it is called.
package redis
