package redis

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// inside marks the context of commands that are part of another (the greeting
// of a new connection) or that the breaker sends itself: they pass as they are.
type inside struct{}

// hook stands between go-redis and one server. It asks the breaker, and it turns
// every error that is no reply into one that go-redis does not know: its cluster
// client would send the command again, and it may have been executed.
type hook struct {
	*breaker
}

// DialHook implements goredis.Hook.
func (h hook) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook implements goredis.Hook.
func (h hook) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		return h.guard(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook implements goredis.Hook.
func (h hook) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		return h.guard(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

func (h hook) guard(ctx context.Context, next func(context.Context) error) error {
	if ctx.Value(inside{}) != nil {
		return next(ctx)
	}
	if h.open.Load() {
		return errOpen
	}
	start := time.Now()
	err := next(context.WithValue(ctx, inside{}, true))
	switch {
	case err == nil || isReply(err) && !refused(err):
		h.succeeded()
		return err
	case errors.Is(err, goredis.ErrClosed):
		return err
	case ctx.Err() != nil && time.Since(start) < h.timeout/2:
		// The caller gave up early: that says nothing about the server.
		return lost(err)
	}
	h.failed()
	return lost(err)
}

// lostError is a network error without its nature, see hook.
type lostError string

// Error implements error.
func (e lostError) Error() string { return string(e) }

const errOpen = lostError("not asked: it did not answer lately")

func lost(err error) error { return lostError("no answer: " + err.Error()) }

// isReply tells whether the server answered.
func isReply(err error) bool {
	_, ok := errors.AsType[goredis.Error](err)
	return ok
}

// refused tells whether the server did not let us in. Asking on would be
// hammering at its door.
func refused(err error) bool {
	text := replyText(err)
	return strings.HasPrefix(text, "WRONGPASS") || strings.HasPrefix(text, "NOAUTH")
}

func replyText(err error) string {
	if reply, ok := errors.AsType[goredis.Error](err); ok {
		return reply.Error()
	}
	return ""
}
