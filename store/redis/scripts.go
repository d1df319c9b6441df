package redis

import (
	"context"
	_ "embed" // the scripts

	goredis "github.com/redis/go-redis/v9"
)

//go:embed scripts/put.lua
var putSource string

//go:embed scripts/delete.lua
var deleteSource string

// script is a Lua script, known to servers by its hash.
type script struct {
	*goredis.Script
	source string
}

func scriptOf(source string) script { return script{goredis.NewScript(source), source} }

// run sends the hash. A server that does not know it (after a restart, a
// failover, SCRIPT FLUSH) has executed nothing, so this one command is sent
// again with the source. The keys are in one slot.
func (sc script) run(ctx context.Context, s *Store, keys []string, args ...any) (int64, error) {
	send := func(how, what string) *goredis.Cmd {
		words := append([]any{how, what, len(keys)}, anys(keys)...)
		c := goredis.NewCmd(ctx, append(words, args...)...)
		_ = s.write(ctx, keys[0], c) // the command has the error
		return c
	}
	c := send("evalsha", sc.Hash())
	if unknown(c.Err()) {
		c = send("eval", sc.source)
	}
	return c.Int64()
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}
