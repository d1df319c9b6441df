package redis

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// checkTime is what a check of one server may take.
const checkTime = 5 * time.Second

// Check implements store.Checker: it looks at every primary.
func (s *Store) Check(ctx context.Context) ([]store.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var findings []store.Finding
	findings = append(findings, s.checkAddress()...)
	cluster, ok := s.client.(*goredis.ClusterClient)
	if !ok {
		one, ok := s.client.(*goredis.Client)
		if !ok {
			return nil, fmt.Errorf("%w: no client to ask", store.ErrUnavailable)
		}
		found, err := s.checkServer(ctx, one)
		return append(findings, found...), err
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
		found, err := s.checkServer(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		findings = append(findings, found...)
		return err
	})
	if strings.Contains(replyText(err), "cluster support disabled") {
		return append(findings, store.Finding{
			Severity: store.Problem, Subject: s.options.Address.String(), Text: "not a node of a cluster: write redis",
		}), nil
	}
	slices.SortStableFunc(findings, func(a, b store.Finding) int { return strings.Compare(a.Subject, b.Subject) })
	return findings, meaning(err)
}

// checkAddress says what can be told without asking.
func (s *Store) checkAddress() []store.Finding {
	a := s.options.Address
	say := func(text string) store.Finding {
		return store.Finding{Severity: store.Warning, Subject: a.String(), Text: text}
	}
	remote := slices.ContainsFunc(a.Hosts, func(hostport string) bool {
		host, _, _ := net.SplitHostPort(hostport)
		ip := net.ParseIP(host)
		return host != "localhost" && (ip == nil || !ip.IsLoopback())
	})
	var found []store.Finding
	if remote && !a.TLS {
		found = append(found, say("without TLS over a network: whoever listens learns the password and can change records; use rediss"))
	}
	if _, password, err := s.options.Credentials(); err != nil {
		found = append(found, say("user and password: "+err.Error()))
	} else if remote && password == "" {
		found = append(found, say("without password over a network: give tollgate a user of its own"))
	}
	return found
}

func (s *Store) checkServer(ctx context.Context, c *goredis.Client) ([]store.Finding, error) {
	subject := c.Options().Addr
	if a := s.options.Address; a.Scheme == store.SchemeSentinel {
		subject = a.Master
	}
	text, err := c.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", subject, meaning(err))
	}
	i := inspection{subject: subject, info: fields(text), scheme: s.options.Address.Scheme, budget: s.timeout, asked: s.replicas}
	if i.config, err = c.ConfigGet(ctx, "*").Result(); err != nil {
		i.say(store.Fact, "CONFIG GET is not allowed here (%s), so appendfsync, save and min-replicas-to-write are not known", brief(replyText(err)))
	}
	i.identity()
	i.memory()
	i.persistence()
	i.replication()
	return i.findings, i.latency(ctx, c)
}

func fields(info string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

// atLeast compares versions by their numbers.
func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	a, err := strconv.Atoi(parts[0])
	b, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (a > major || a == major && b >= minor)
}
