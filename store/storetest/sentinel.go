package storetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Sentinels are three sentinels that watch a master with one replica.
type Sentinels struct {
	Nodes     []*Redis // the first is the master at the start
	Sentinels []*Redis
}

// MasterName is what the sentinels call their master.
const MasterName = "tollgate-test"

// StartSentinels starts a master, a replica and three sentinels, and waits
// until a failover is possible.
func StartSentinels(tb testing.TB, binary string) *Sentinels {
	tb.Helper()
	s := &Sentinels{}
	ports := FreePorts(tb, 5)
	s.Nodes = append(s.Nodes, startRedis(tb, binary, ports[0], nil))
	s.Nodes = append(s.Nodes, startRedis(tb, binary, ports[1], []string{"--replicaof", "127.0.0.1", strconv.Itoa(ports[0])}))
	Eventually(tb, replyTimeout, func() error { return linked(tb, s.Nodes[1]) })
	for _, port := range ports[2:] {
		s.Sentinels = append(s.Sentinels, startSentinel(tb, binary, port, ports[0]))
	}
	for _, one := range s.Sentinels {
		Eventually(tb, replyTimeout, func() error {
			fields := fieldsOf(one.Do(tb, "SENTINEL", "MASTER", MasterName))
			if fields["num-other-sentinels"] != "2" || fields["num-slaves"] != "1" {
				return fmt.Errorf("sees %s sentinels and %s replicas", fields["num-other-sentinels"], fields["num-slaves"])
			}
			return nil
		})
	}
	return s
}

func startSentinel(tb testing.TB, binary string, port, master int) *Redis {
	tb.Helper()
	r := &Redis{Port: port}
	r.dir = shortDir(tb)
	r.Socket = filepath.Join(r.dir, "s")
	conf := filepath.Join(r.dir, "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\nsentinel monitor %s 127.0.0.1 %d 2\n"+
		"sentinel down-after-milliseconds %s 1000\nsentinel failover-timeout %s 5000\n",
		port, r.Socket, r.dir, MasterName, master, MasterName, MasterName)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	r.binary, r.args = binary, []string{conf, "--sentinel"}
	r.start(tb)
	r.await(tb)
	return r
}

// URL is a store URL.
func (s *Sentinels) URL() string {
	var hosts []string
	for _, one := range s.Sentinels {
		hosts = append(hosts, one.Addr())
	}
	return "redis+sentinel://" + strings.Join(hosts, ",") + "/" + MasterName
}

// Master is the node that the sentinels say is the master.
func (s *Sentinels) Master(tb testing.TB) *Redis {
	tb.Helper()
	addr, ok := s.Sentinels[0].Do(tb, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName).([]any)
	if !ok || len(addr) != 2 {
		tb.Fatal("the sentinel names no master")
	}
	for _, node := range s.Nodes {
		if strconv.Itoa(node.Port) == addr[1] {
			return node
		}
	}
	tb.Fatalf("the sentinel names %v as master", addr)
	return nil
}

// AwaitFailover waits until another node than the old master is master.
func (s *Sentinels) AwaitFailover(tb testing.TB, old *Redis) *Redis {
	tb.Helper()
	Eventually(tb, 60*time.Second, func() error {
		if m := s.Master(tb); m == old || infoOf(m, "role") != "master" {
			return fmt.Errorf("port %d is still the master", old.Port)
		}
		return nil
	})
	return s.Master(tb)
}

func linked(tb testing.TB, replica *Redis) error {
	tb.Helper()
	if state := replica.Info(tb, "master_link_status"); state != "up" {
		return fmt.Errorf("replica on port %d: link is %q", replica.Port, state)
	}
	return nil
}

// infoOf is Info without failing.
func infoOf(r *Redis, field string) string {
	reply, err := r.try("INFO", "everything")
	text, ok := reply.(string)
	if err != nil || !ok {
		return ""
	}
	return infoField(text, field)
}

func fieldsOf(reply any) map[string]string {
	all, _ := reply.([]any)
	fields := make(map[string]string, len(all)/2)
	for i := 0; i+1 < len(all); i += 2 {
		fields[fmt.Sprint(all[i])] = fmt.Sprint(all[i+1])
	}
	return fields
}

// lookCLI is the redis-cli that makes clusters.
func lookCLI(tb testing.TB) string {
	tb.Helper()
	path, err := exec.LookPath("redis-cli")
	if err != nil {
		tb.Fatal("redis-cli is missing: install it (apt-get install redis-tools)")
	}
	return path
}
