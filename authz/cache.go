package authz

import (
	"crypto/sha256"
	"time"

	"github.com/maypok86/otter/v2"
)

// cacheKey names one verification: the whole token, never a part of it, under
// one API of one snapshot with one state of its keys. A token that was good for
// one API, before a reload, or before a key was withdrawn is another key.
type cacheKey struct {
	token      [sha256.Size]byte
	generation uint64 // of the snapshot
	keys       uint64 // of the API's key set
	api        uint32
}

// cached is what is known of a token: the session that it stands for, or (nil)
// that the key it names did not sign it. It is no decision: time, revocation,
// rights and limits are judged on every hit.
type cached struct {
	session *session
	keep    time.Duration
	bytes   int
}

// Lifetimes and overhead of entries. They bound memory, not trust: every hit is
// checked against the clock.
const (
	keepVerified  = time.Hour
	keepInvalid   = time.Minute
	entryOverhead = 512
	entryMost     = 1 << 20 // what one entry may count for
)

// tokenCache holds verified tokens, bounded in bytes. A nil one holds nothing.
type tokenCache struct {
	cache *otter.Cache[cacheKey, *cached]
}

func newTokenCache(bytes int64) *tokenCache {
	if bytes <= 0 {
		return nil
	}
	cache := otter.Must(&otter.Options[cacheKey, *cached]{
		MaximumWeight: uint64(bytes),
		Weigher: func(_ cacheKey, c *cached) uint32 {
			return uint32(min(c.bytes+entryOverhead, entryMost))
		},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[cacheKey, *cached]) time.Duration {
			return e.Value.keep
		}),
	})
	return &tokenCache{cache: cache}
}

func (c *tokenCache) get(key cacheKey) *cached {
	if c == nil {
		return nil
	}
	found, _ := c.cache.GetIfPresent(key)
	return found
}

func (c *tokenCache) put(key cacheKey, value *cached) {
	if c != nil && value.keep > 0 {
		c.cache.Set(key, value)
	}
}

// clear forgets what a snapshot that is gone had verified.
func (c *tokenCache) clear() {
	if c != nil {
		c.cache.InvalidateAll()
	}
}

func (c *tokenCache) close() {
	if c != nil {
		c.cache.StopAllGoroutines()
	}
}
