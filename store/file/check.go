package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// What is worth a warning.
const (
	littleDisk = 1 << 30
	slowCommit = 50 * time.Millisecond
)

// Check implements store.Checker.
func (s *Store) Check(ctx context.Context) ([]store.Finding, error) {
	if err := s.Ping(ctx); err != nil {
		return nil, err
	}
	c := checkup{subject: "file:" + s.dir}
	c.say(store.Fact, "serves one tollgate process; what was answered is on disk; events are not kept over a restart")
	s.checkSize(&c)
	s.checkModes(&c)
	s.checkDisk(&c)
	s.checkSpeed(&c)
	if s.backupsErr != nil {
		c.say(store.Warning, "no copies while running: %v", s.backupsErr)
	}
	return c.findings, nil
}

type checkup struct {
	subject  string
	findings []store.Finding
}

func (c *checkup) say(how store.Severity, text string, args ...any) {
	c.findings = append(c.findings, store.Finding{Severity: how, Subject: c.subject, Text: fmt.Sprintf(text, args...)})
}

func (s *Store) checkSize(c *checkup) {
	info, err := os.Stat(filepath.Join(s.dir, logName))
	if err != nil {
		c.say(store.Problem, "%v", err)
		return
	}
	held, most := s.table.Bytes(), s.table.Limit()
	c.say(store.Fact, "%d MiB of records in memory of at most %d MiB; %s has %d MiB", held>>20, most>>20, logName, info.Size()>>20)
	if held > most/10*8 {
		c.say(store.Warning, "nearly full: what does not fit is refused; Redis holds more")
	}
}

func (s *Store) checkModes(c *checkup) {
	for _, path := range []string{s.dir, filepath.Join(s.dir, logName), seal.KeyFile(s.dir)} {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // keys from the configuration
		case err != nil:
			c.say(store.Problem, "%v", err)
		case info.Mode().Perm()&0o077 != 0:
			c.say(store.Warning, "%s: mode %04o lets others in: take group and others away", path, info.Mode().Perm())
		}
	}
}

func (s *Store) checkDisk(c *checkup) {
	free, network, err := diskOf(s.dir)
	switch {
	case err != nil:
		c.say(store.Warning, "disk: %v", err)
	case free < littleDisk:
		c.say(store.Warning, "%d MiB free on its disk: when it is full, writes are refused", free>>20)
	}
	if network != "" {
		c.say(store.Warning, "on a network file system (%s): locks and fsync of such are not to be relied on", network)
	}
}

// checkSpeed commits nothing, three times, and tells the best.
func (s *Store) checkSpeed(c *checkup) {
	best := time.Hour
	for range 3 {
		start := time.Now()
		err := undamaged(func() error {
			return s.log.Update(func(tx *bolt.Tx) error {
				_, err := tx.Bucket([]byte(bucketFacts)).NextSequence()
				return err
			})
		})
		if err != nil {
			c.say(store.Problem, "a commit: %v", err)
			return
		}
		best = min(best, time.Since(start))
	}
	c.say(store.Fact, "a commit takes %v", best.Round(10*time.Microsecond))
	if best > slowCommit {
		c.say(store.Warning, "a slow disk: keys and tokens are made no faster than it commits")
	}
}
