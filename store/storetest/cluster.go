package storetest

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Cluster is six nodes: three primaries with a replica each.
type Cluster struct{ Nodes []*Redis }

// nodeTimeout is how long a primary is missed before its replica takes over.
const nodeTimeout = "1000"

// StartCluster starts a cluster and waits until every replica follows its
// primary: one killed before that would not be replaced.
func StartCluster(tb testing.TB, binary string, settings ...string) *Cluster {
	tb.Helper()
	c := &Cluster{}
	args := []string{"--cluster", "create"}
	for _, port := range FreePorts(tb, 6) {
		node := startRedis(tb, binary, port, slices.Concat([]string{
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", nodeTimeout,
		}, settings))
		c.Nodes = append(c.Nodes, node)
		args = append(args, node.Addr())
	}
	args = append(args, "--cluster-replicas", "1", "--cluster-yes")
	out, err := exec.CommandContext(tb.Context(), lookCLI(tb), args...).CombinedOutput() //nolint:gosec // arguments of the test
	if err != nil {
		tb.Fatalf("cluster create: %v\n%s", err, out)
	}
	for _, node := range c.Nodes {
		Eventually(tb, 60*time.Second, func() error {
			if state := infoField(node.Text(tb, "CLUSTER", "INFO"), "cluster_state"); state != "ok" {
				return fmt.Errorf("port %d: cluster state %q", node.Port, state)
			}
			if node.Info(tb, "role") == "slave" {
				return linked(tb, node)
			}
			return nil
		})
	}
	Eventually(tb, 60*time.Second, func() error {
		if n := len(c.Primaries(tb)); n != 3 {
			return fmt.Errorf("%d primaries", n)
		}
		return nil
	})
	return c
}

// URL is a store URL.
func (c *Cluster) URL() string {
	var hosts []string
	for _, node := range c.Nodes {
		hosts = append(hosts, node.Addr())
	}
	return "redis+cluster://" + strings.Join(hosts, ",")
}

// Primaries are the living nodes that say they are primaries.
func (c *Cluster) Primaries(tb testing.TB) []*Redis {
	tb.Helper()
	var all []*Redis
	for _, node := range c.Nodes {
		if infoOf(node, "role") == "master" {
			all = append(all, node)
		}
	}
	return all
}

// Slot is the slot of a key.
func (c *Cluster) Slot(tb testing.TB, key string) int {
	tb.Helper()
	n, ok := c.living(tb).Do(tb, "CLUSTER", "KEYSLOT", key).(int64)
	if !ok {
		tb.Fatal("no slot")
	}
	return int(n)
}

// Owner is the primary that serves a slot.
func (c *Cluster) Owner(tb testing.TB, slot int) *Redis {
	tb.Helper()
	slots, ok := c.living(tb).Do(tb, "CLUSTER", "SLOTS").([]any)
	if !ok {
		tb.Fatal("no slots")
	}
	for _, each := range slots {
		part, ok := each.([]any)
		if !ok || len(part) < 3 {
			tb.Fatal("slots that are no slots")
		}
		from, _ := part[0].(int64)
		to, _ := part[1].(int64)
		owner, _ := part[2].([]any)
		if int64(slot) >= from && int64(slot) <= to && len(owner) > 1 {
			for _, node := range c.Nodes {
				if strconv.Itoa(node.Port) == fmt.Sprint(owner[1]) {
					return node
				}
			}
		}
	}
	tb.Fatalf("nobody has slot %d", slot)
	return nil
}

func (c *Cluster) living(tb testing.TB) *Redis {
	tb.Helper()
	for _, node := range c.Nodes {
		if infoOf(node, "cluster_enabled") == "1" {
			return node
		}
	}
	tb.Fatal("no node is alive")
	return nil
}

// Migration is a slot on its way from one primary to another. Keys that are not
// there yet are answered with ASK.
type Migration struct {
	c        *Cluster
	slot     string
	From, To *Redis
	toID     string
}

// Migrate begins to move a slot to another primary.
func (c *Cluster) Migrate(tb testing.TB, slot int) *Migration {
	tb.Helper()
	m := &Migration{c: c, slot: strconv.Itoa(slot), From: c.Owner(tb, slot)}
	for _, node := range c.Primaries(tb) {
		if node != m.From {
			m.To = node
		}
	}
	fromID := m.From.Text(tb, "CLUSTER", "MYID")
	m.toID = m.To.Text(tb, "CLUSTER", "MYID")
	m.To.Do(tb, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", fromID)
	m.From.Do(tb, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
	return m
}

// Move moves the keys, or at most so many of them.
func (m *Migration) Move(tb testing.TB, atMost int) {
	tb.Helper()
	keys, ok := m.From.Do(tb, "CLUSTER", "GETKEYSINSLOT", m.slot, strconv.Itoa(atMost)).([]any)
	if !ok {
		tb.Fatal("no keys")
	}
	for _, key := range keys {
		m.From.Do(tb, "MIGRATE", "127.0.0.1", strconv.Itoa(m.To.Port), fmt.Sprint(key), "0", "5000")
	}
}

// Finish moves the rest and makes the new owner known to all primaries.
func (m *Migration) Finish(tb testing.TB) {
	tb.Helper()
	m.Move(tb, 1<<20)
	m.To.Do(tb, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	m.From.Do(tb, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	for _, node := range m.c.Primaries(tb) {
		if node != m.To && node != m.From {
			node.Do(tb, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
		}
	}
}

// Errors is how often any living node answered an error with that first word.
func (c *Cluster) Errors(tb testing.TB, word string) int {
	tb.Helper()
	n := 0
	for _, node := range c.Nodes {
		if infoOf(node, "role") != "" {
			n += node.Errors(tb, word)
		}
	}
	return n
}
