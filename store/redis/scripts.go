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
type script struct{ *goredis.Script }

func putScript() script    { return script{goredis.NewScript(putSource)} }
func deleteScript() script { return script{goredis.NewScript(deleteSource)} }

// run sends the hash. A server that does not know it (after a restart, a
// failover, SCRIPT FLUSH) has executed nothing, so this one command is sent
// again with the source.
func (s script) run(ctx context.Context, c goredis.Scripter, keys []string, args ...any) (int64, error) {
	return s.Run(ctx, c, keys, args...).Int64()
}
