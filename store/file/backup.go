package file

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A running store gives copies of itself on a socket in its directory, which
// only its owner reaches. What is sent: the size (8 bytes, big endian), the log
// as of one instant, its SHA-256.
const (
	backupSocket  = "backup.sock"
	backupTimeout = 10 * time.Minute
	largestBackup = 1 << 40
)

// Backup writes a consistent copy of the store in dir to a new file, whether a
// process has the store or not. The copy is a store.db: put into an empty
// directory it is the store as it was.
func Backup(ctx context.Context, dir, to string) error {
	if !Exists(dir) {
		return fmt.Errorf("no store in %s", dir)
	}
	held, err := lock(dir)
	switch {
	case errors.Is(err, ErrHeld):
		return writeBackup(to, func(w io.Writer) error { return askForBackup(ctx, dir, w) })
	case err != nil:
		return err
	}
	defer held.Close() // the lock goes with it
	path := filepath.Join(dir, logName)
	if err := intact(path); err != nil {
		return err
	}
	return writeBackup(to, func(w io.Writer) error {
		return undamaged(func() error {
			log, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
			if err != nil {
				return err
			}
			return errors.Join(copyLog(log, w), log.Close())
		})
	})
}

// Backup writes a consistent copy of the store to w while it is at work.
func (s *Store) Backup(ctx context.Context, w io.Writer) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	return undamaged(func() error { return copyLog(s.log, w) })
}

func copyLog(log *bolt.DB, w io.Writer) error {
	return log.View(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// writeBackup fills a new file. It appears whole or not at all, and never in
// the place of another.
func writeBackup(to string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(to), ".backup-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // linked by now, or of no use
	err = fill(f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := intact(f.Name()); err != nil {
		return err
	}
	return os.Link(f.Name(), to)
}

// serveBackups listens on the socket. A store without one works all the same.
func (s *Store) serveBackups() {
	done, path, err := reachSocket(s.dir)
	if err != nil {
		s.backupsErr = err
		return
	}
	defer done()
	os.Remove(path) // of a process that was killed; the lock says there is none
	s.backups, s.backupsErr = new(net.ListenConfig).Listen(s.ended, "unix", path)
	if s.backupsErr != nil {
		return
	}
	if l, ok := s.backups.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false) // the path may be good only now; see reachSocket
	}
	if err := os.Chmod(path, 0o600); err != nil {
		s.backups.Close() // it served nobody
		s.backups, s.backupsErr = nil, err
		return
	}
	s.running.Go(func() {
		for {
			conn, err := s.backups.Accept()
			if err != nil {
				return // closed
			}
			s.sendBackup(conn)
		}
	})
}

// sendBackup serves one copy. One at a time is enough.
func (s *Store) sendBackup(conn net.Conn) {
	defer context.AfterFunc(s.ended, func() { conn.Close() })() // it ends the copy
	defer conn.Close()                                          // the receiver checks the sum
	if conn.SetDeadline(time.Now().Add(backupTimeout)) != nil {
		return
	}
	_ = undamaged(func() error { // the receiver sees that the copy is not whole
		return s.log.View(func(tx *bolt.Tx) error {
			size := binary.BigEndian.AppendUint64(nil, uint64(tx.Size())) // never negative
			if _, err := conn.Write(size); err != nil {
				return err
			}
			sum := sha256.New()
			if _, err := tx.WriteTo(io.MultiWriter(conn, sum)); err != nil {
				return err
			}
			_, err := conn.Write(sum.Sum(nil))
			return err
		})
	})
}

func askForBackup(ctx context.Context, dir string, w io.Writer) error {
	done, path, err := reachSocket(dir)
	if err != nil {
		return err
	}
	defer done()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("the process that has the store does not give copies: %w", err)
	}
	defer conn.Close()                                      // the sum is what counts
	defer context.AfterFunc(ctx, func() { conn.Close() })() // it ends the copy
	if err := conn.SetDeadline(time.Now().Add(backupTimeout)); err != nil {
		return err
	}
	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return fmt.Errorf("copy cut short: %w", err)
	}
	size := binary.BigEndian.Uint64(head[:])
	if size > largestBackup {
		return errors.New("copy of an impossible size")
	}
	sum := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(w, sum), conn, int64(size)); err != nil {
		return fmt.Errorf("copy cut short: %w", err)
	}
	said := make([]byte, sha256.Size)
	if _, err := io.ReadFull(conn, said); err != nil || !bytes.Equal(said, sum.Sum(nil)) {
		return errors.New("copy damaged on the way: try again")
	}
	return nil
}

// longestSocket is what every Unix takes as the path of a socket.
const longestSocket = 100

// reachSocket gives a path of the socket that is short enough, until done is
// called.
func reachSocket(dir string) (done func(), path string, err error) {
	path = filepath.Join(dir, backupSocket)
	if len(path) <= longestSocket {
		return func() {}, path, nil
	}
	d, err := os.Open(dir) // the path is the operator's
	if err != nil {
		return nil, "", err
	}
	return func() { d.Close() }, fmt.Sprintf("/proc/self/fd/%d/%s", d.Fd(), backupSocket), nil // only looked through
}
