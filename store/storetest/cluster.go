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
func StartCluster(t testing.TB, binary string, settings ...string) *Cluster {
	t.Helper()
	c := &Cluster{}
	args := []string{"--cluster", "create"}
	for _, port := range FreePorts(t, 6) {
		node := startRedis(t, binary, port, slices.Concat([]string{
			"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", nodeTimeout,
		}, settings))
		c.Nodes = append(c.Nodes, node)
		args = append(args, node.Addr())
	}
	args = append(args, "--cluster-replicas", "1", "--cluster-yes")
	out, err := exec.CommandContext(t.Context(), lookCLI(t), args...).CombinedOutput() //nolint:gosec // arguments of the test
	if err != nil {
		t.Fatalf("cluster create: %v\n%s", err, out)
	}
	for _, node := range c.Nodes {
		Eventually(t, 60*time.Second, func() error {
			if state := infoField(node.Text(t, "CLUSTER", "INFO"), "cluster_state"); state != "ok" {
				return fmt.Errorf("port %d: cluster state %q", node.Port, state)
			}
			if node.Info(t, "role") == "slave" {
				return linked(t, node)
			}
			return nil
		})
	}
	Eventually(t, 60*time.Second, func() error {
		if n := len(c.Primaries(t)); n != 3 {
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
func (c *Cluster) Primaries(t testing.TB) []*Redis {
	t.Helper()
	var all []*Redis
	for _, node := range c.Nodes {
		if infoOf(node, "role") == "master" {
			all = append(all, node)
		}
	}
	return all
}

// Slot is the slot of a key.
func (c *Cluster) Slot(t testing.TB, key string) int {
	t.Helper()
	n, ok := c.living(t).Do(t, "CLUSTER", "KEYSLOT", key).(int64)
	if !ok {
		t.Fatal("no slot")
	}
	return int(n)
}

// Owner is the primary that serves a slot.
func (c *Cluster) Owner(t testing.TB, slot int) *Redis {
	t.Helper()
	slots, ok := c.living(t).Do(t, "CLUSTER", "SLOTS").([]any)
	if !ok {
		t.Fatal("no slots")
	}
	for _, each := range slots {
		part, ok := each.([]any)
		if !ok || len(part) < 3 {
			t.Fatal("slots that are no slots")
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
	t.Fatalf("nobody has slot %d", slot)
	return nil
}

func (c *Cluster) living(t testing.TB) *Redis {
	t.Helper()
	for _, node := range c.Nodes {
		if infoOf(node, "cluster_enabled") == "1" {
			return node
		}
	}
	t.Fatal("no node is alive")
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
func (c *Cluster) Migrate(t testing.TB, slot int) *Migration {
	t.Helper()
	m := &Migration{c: c, slot: strconv.Itoa(slot), From: c.Owner(t, slot)}
	for _, node := range c.Primaries(t) {
		if node != m.From {
			m.To = node
		}
	}
	fromID := m.From.Text(t, "CLUSTER", "MYID")
	m.toID = m.To.Text(t, "CLUSTER", "MYID")
	m.To.Do(t, "CLUSTER", "SETSLOT", m.slot, "IMPORTING", fromID)
	m.From.Do(t, "CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
	return m
}

// Move moves the keys, or at most so many of them.
func (m *Migration) Move(t testing.TB, atMost int) {
	t.Helper()
	keys, ok := m.From.Do(t, "CLUSTER", "GETKEYSINSLOT", m.slot, strconv.Itoa(atMost)).([]any)
	if !ok {
		t.Fatal("no keys")
	}
	for _, key := range keys {
		m.From.Do(t, "MIGRATE", "127.0.0.1", strconv.Itoa(m.To.Port), fmt.Sprint(key), "0", "5000")
	}
}

// Finish moves the rest and makes the new owner known to all primaries.
func (m *Migration) Finish(t testing.TB) {
	t.Helper()
	m.Move(t, 1<<20)
	m.To.Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	m.From.Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
	for _, node := range m.c.Primaries(t) {
		if node != m.To && node != m.From {
			node.Do(t, "CLUSTER", "SETSLOT", m.slot, "NODE", m.toID)
		}
	}
}

// Errors is how often any living node answered an error with that first word.
func (c *Cluster) Errors(t testing.TB, word string) int {
	t.Helper()
	n := 0
	for _, node := range c.Nodes {
		if infoOf(node, "role") != "" {
			n += node.Errors(t, word)
		}
	}
	return n
}
