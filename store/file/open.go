package file

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
)

// Options of a store in a directory. The zero value is fine.
type Options struct {
	MaxBytes int64 // how much it holds in memory; 0: store.TableBytes
	Hooks    store.Hooks
	Now      func() time.Time // nil: time.Now
}

const logName = "store.db"

// Exists tells whether a directory holds a store already.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, logName))
	return err == nil
}

// Open makes a directory a store, or opens the one that is there. It answers
// ErrHeld when another process has it. A file of another format, a damaged or a
// foreign one is refused and left as it is.
func Open(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Hooks = o.Hooks.Filled()
	s := &Store{
		dir:    dir,
		now:    o.Now,
		hooks:  o.Hooks,
		table:  store.NewTable(o.MaxBytes, o.Now, o.Hooks),
		ring:   store.NewRing(o.Now),
		writes: make(chan *write, queueLength),
		gone:   make(chan struct{}),
	}
	s.tally = store.NewTally(0, o.Hooks, s.spent, s.reserve)
	if err := s.open(); err != nil {
		_ = s.abandon() // the first error counts
		return nil, fmt.Errorf("store file:%s: %w", dir, err)
	}
	s.ended, s.end = context.WithCancel(context.Background())
	s.serveBackups()
	s.running.Go(s.commitAll)
	s.running.Go(func() { s.table.SweepEvery(s.ended, sweepEvery) })
	s.running.Go(func() { s.tally.SweepEvery(s.ended, sweepEvery, s.now) })
	return s, nil
}

// sweepEvery is the tick of forgetting what has expired: every record is looked
// at once in 64 ticks.
const sweepEvery = time.Second

func (s *Store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = lock(s.dir); err != nil {
		return err
	}
	path := filepath.Join(s.dir, logName)
	if err := intact(path); err != nil {
		return err
	}
	return undamaged(func() error {
		if s.log, err = openLog(path); err != nil {
			return err
		}
		if err := s.settleFormat(); err != nil {
			return err
		}
		return s.load()
	})
}

// mapped is how much of the address space the log gets at once. While it is
// larger than the file, a commit never has to wait for a copy to be finished.
const mapped = 4 << 30

func openLog(path string) (*bolt.DB, error) {
	options := &bolt.Options{
		Timeout:         time.Second,
		InitialMmapSize: int(min(mapped, math.MaxInt/4)),
		FreelistType:    bolt.FreelistMapType,
		NoStatistics:    true,
		// NoFreelistSync would save a page or more per commit, but then bbolt
		// looks for free pages in goroutines of its own, where a damaged page
		// ends the process.
	}
	log, err := bolt.Open(path, 0o600, options)
	if errors.Is(err, syscall.ENOMEM) { // a process that may not have so much
		options.InitialMmapSize = 0
		log, err = bolt.Open(path, 0o600, options)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", logName, err)
	}
	return log, nil
}

// settleFormat writes the format into a new log and compares it in an old one.
func (s *Store) settleFormat() error {
	found, empty := "", false
	err := s.log.View(func(tx *bolt.Tx) error {
		if facts := tx.Bucket([]byte(bucketFacts)); facts != nil {
			found = string(facts.Get([]byte(factFormat)))
			return nil
		}
		first, _ := tx.Cursor().First()
		empty = first == nil
		return nil
	})
	switch {
	case err != nil:
		return err
	case found == format:
		return nil
	case empty:
		return s.log.Update(func(tx *bolt.Tx) error {
			facts, err := tx.CreateBucketIfNotExists([]byte(bucketFacts))
			if err != nil {
				return err
			}
			if _, err := tx.CreateBucketIfNotExists([]byte(bucketForever)); err != nil {
				return err
			}
			return facts.Put([]byte(factFormat), []byte(format))
		})
	case found == "":
		return fmt.Errorf("%s is a bbolt file, but not one of tollgate's: give another directory", logName)
	}
	return fmt.Errorf("written by another tollgate (format %q; this one reads %q): "+
		"start that one; nothing was changed", found, format)
}

// undamaged turns what bbolt does on a damaged page, a panic or a fault of the
// mapped memory, into an error.
func undamaged(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", errDamaged, r)
		}
	}()
	return do()
}

// abandon gives back what open has taken.
func (s *Store) abandon() error {
	var err error
	if s.log != nil {
		err = s.log.Close()
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}
