package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// call is one use of the store: within the budget, told to the hooks, with an
// error of package store.
func (s *Store) call(ctx context.Context, op string, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	start := time.Now()
	err := meaning(do(ctx))
	told := err
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		told = nil // an answer, not a failure
	}
	s.hooks.Call(op, time.Since(start), told)
	return err
}

// meaning turns an error of go-redis into one of package store. What the caller
// did wrong is found before the store is asked, so what is left is a store that
// can not be used now.
func meaning(err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict), errors.Is(err, errForeign):
		return err
	case errors.Is(err, goredis.Nil):
		return store.ErrNotFound
	case errors.Is(err, goredis.ErrClosed):
		return fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	text := replyText(err)
	if text == "" {
		text = err.Error()
	}
	return fmt.Errorf("%w: %s", store.ErrUnavailable, brief(text))
}

// errForeign says that there is something under the name of a record that is
// not ours.
var errForeign = fmt.Errorf("not a record of tollgate's: %w", store.ErrNotFound)

// brief cuts what a server repeats of a command, which may be a stored value.
func brief(text string) string {
	text, _, _ = strings.Cut(text, ", with args")
	return text[:min(len(text), 200)]
}
