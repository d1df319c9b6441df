package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// inspection is the look at one server.
type inspection struct {
	subject  string
	scheme   store.Scheme
	budget   time.Duration
	asked    int // replicas that must have a change
	info     map[string]string
	config   map[string]string // nil when it may not be read
	findings []store.Finding
}

func (i *inspection) say(how store.Severity, text string, args ...any) {
	i.findings = append(i.findings, store.Finding{Severity: how, Subject: i.subject, Text: fmt.Sprintf(text, args...)})
}

func (i *inspection) number(field string) int64 {
	n, err := strconv.ParseInt(i.info[field], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (i *inspection) identity() {
	name, version := "Redis", i.info["redis_version"]
	if v := i.info["valkey_version"]; v != "" {
		name = "Valkey"
		i.say(store.Fact, "%s %s, %s", name, v, i.info["redis_mode"])
	} else {
		i.say(store.Fact, "%s %s, %s", name, version, i.info["redis_mode"])
	}
	if !atLeast(version, 6, 2) {
		i.say(store.Problem, "too old: Redis 6.2 or Valkey 7.2 is needed")
	}
	if i.info["cluster_enabled"] == "1" && i.scheme != store.SchemeCluster {
		i.say(store.Problem, "a node of a cluster: write redis+cluster")
	}
	if i.info["role"] == "slave" {
		i.say(store.Problem, "it is a replica and takes no writes: name the primary, or use redis+sentinel")
	}
	if i.info["loading"] == "1" {
		i.say(store.Problem, "it is still loading its data")
	}
}

func (i *inspection) memory() {
	used, most, policy := i.number("used_memory"), i.number("maxmemory"), i.info["maxmemory_policy"]
	if most == 0 {
		i.say(store.Fact, "%d MiB used, no maxmemory", used>>20)
		return
	}
	i.say(store.Fact, "%d MiB used of maxmemory %d MiB, %s", used>>20, most>>20, policy)
	if policy != "noeviction" {
		i.say(store.Warning, "maxmemory-policy %s: when memory runs out, revocations, credentials, tokens and counters "+
			"disappear unnoticed; set noeviction", policy)
	}
	if used > most/10*8 {
		i.say(store.Warning, "memory is nearly used up: then writes are refused, or records evicted")
	}
	if n := i.number("evicted_keys"); n > 0 {
		i.say(store.Warning, "%d keys have been evicted since its start", n)
	}
}

func (i *inspection) persistence() {
	aof := i.info["aof_enabled"] == "1"
	save, known := i.config["save"]
	switch {
	case aof:
		if how := i.config["appendfsync"]; how == "no" {
			i.say(store.Warning, "appendfsync no: a crash of the machine loses what the kernel had not written; set everysec or always")
		} else if how != "" {
			i.say(store.Fact, "append-only file, appendfsync %s", how)
		}
	case known && save == "":
		i.say(store.Warning, "no persistence: a restart loses credentials, split tokens, revocations and counters; set appendonly yes")
	default:
		i.say(store.Warning, "snapshots only: a restart loses what came after the last one; set appendonly yes")
	}
	for _, field := range []string{"rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"} {
		if status := i.info[field]; status != "" && status != "ok" {
			i.say(store.Problem, "%s is %s: see its log", field, status)
		}
	}
}

func (i *inspection) replication() {
	if i.info["role"] != "master" {
		return
	}
	replicas := i.number("connected_slaves")
	if int(replicas) < i.asked {
		i.say(store.Problem, "%d of the %d replicas that replicas=%d asks for: every change counts as not made", replicas, i.asked, i.asked)
		return
	}
	if i.asked > 0 {
		i.say(store.Fact, "%d replicas; a change counts when %d have it", replicas, i.asked)
		return
	}
	if replicas == 0 {
		i.say(store.Warning, "no replica: when it is gone, what it held is gone")
		return
	}
	i.say(store.Fact, "%d replicas; replication is asynchronous: a failover can lose the last writes, revocations included", replicas)
	if least, ok := i.config["min-replicas-to-write"]; ok && least == "0" {
		i.say(store.Warning, "min-replicas-to-write 0: a primary that is cut off goes on taking writes that a failover loses; set 1")
	}
}

// latency asks twenty times.
func (i *inspection) latency(ctx context.Context, c *goredis.Client) error {
	took := make([]time.Duration, 20)
	for n := range took {
		start := time.Now()
		if err := c.Ping(ctx).Err(); err != nil {
			return meaning(err)
		}
		took[n] = time.Since(start)
	}
	slices.Sort(took)
	half, most := took[len(took)/2], took[len(took)-1]
	i.say(store.Fact, "answers within %v (median), %v (longest of %d)", half.Round(time.Microsecond), most.Round(time.Microsecond), len(took))
	if half > i.budget/2 {
		i.say(store.Warning, "too slow for a budget of %v: many calls will not be answered in time; raise store.timeout or bring it nearer", i.budget)
	}
	return nil
}
