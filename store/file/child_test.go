package file_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

// Processes of their own, for what concerns a whole process: its limits, its
// user, its hold on a directory. The test binary is run again with one of these
// as childRole.
const (
	childRole = "TOLLGATE_TEST_ROLE"
	childDir  = "TOLLGATE_TEST_DIR"
)

// asChild plays the role that the parent asked for, and ends the process.
func asChild() {
	dir := os.Getenv(childDir)
	var err error
	switch os.Getenv(childRole) {
	case "":
		return
	case "full disk":
		err = fillDisk(dir)
	case "open":
		var s *file.Store
		if s, err = file.Open(dir, file.Options{}); err == nil {
			err = s.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(t *testing.T, role, dir string, attr *syscall.SysProcAttr) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// fillDisk writes to a store whose disk gets full and gets room again.
func fillDisk(dir string) error {
	ctx := context.Background()
	s, err := file.Open(dir, file.Options{})
	if err != nil {
		return err
	}
	value := []byte(strings.Repeat("v", 512<<10))
	key := func(i int) store.Key { return store.Key{Kind: store.KindSplit, ID: fmt.Sprint(i)} }
	written := 0
	fill := func(bytes uint64) error {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		limit.Cur = bytes
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			return err
		}
		for refused := 0; refused < 3; written++ {
			_, err := s.Put(ctx, key(written), value, store.Write{If: store.Absent})
			if err != nil && !errors.Is(err, store.ErrUnavailable) {
				return fmt.Errorf("a full disk answers: %w", err)
			}
			if err != nil {
				refused++
				written--
			}
			if written > 1000 {
				return errors.New("the disk was never full")
			}
		}
		for i := range written {
			if _, err := s.Get(ctx, key(i)); err != nil {
				return fmt.Errorf("record %d of %d while the disk is full: %w", i, written, err)
			}
		}
		limit.Cur = limit.Max
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	}
	// The first limit stops the file from growing, the second, within what it
	// has been grown to, the writing of pages.
	for _, bytes := range []uint64{20 << 20, 40 << 20, 30 << 20} {
		before := written
		if err := fill(bytes); err != nil {
			return err
		}
		if _, err := s.Put(ctx, key(written), value, store.Write{If: store.Absent}); err != nil {
			return fmt.Errorf("after the disk had room again: %w", err)
		}
		written++
		if bytes > 30<<20 && written < before+10 {
			return fmt.Errorf("%d records until the disk was full", written-before)
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	if s, err = file.Open(dir, file.Options{}); err != nil {
		return err
	}
	for i := range written {
		if _, err := s.Get(ctx, key(i)); err != nil {
			return fmt.Errorf("record %d of %d after a restart: %w", i, written, err)
		}
	}
	if _, err := s.Get(ctx, key(written)); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("a refused record is there after a restart (%w)", err)
	}
	return s.Close()
}

func TestFullDisk(t *testing.T) {
	if out, err := child(t, "full disk", t.TempDir(), nil); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestNotWritable opens as a user who may not write: root may always.
func TestNotWritable(t *testing.T) {
	var attr *syscall.SysProcAttr
	if os.Getuid() == 0 {
		attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	parent, err := os.MkdirTemp("", "read-only") //nolint:usetesting // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	dir := parent + "/store"
	if err := open(t, dir, file.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []struct {
		path string
		mode os.FileMode
	}{{dir + "/store.db", 0o444}, {dir + "/lock", 0o444}, {dir, 0o555}, {parent, 0o555}} {
		if err := os.Chmod(d.path, d.mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, parent + "/new"} {
		out, err := child(t, "open", path, attr)
		if err == nil || !strings.Contains(out, "store file:"+path) || !strings.Contains(out, "permission denied") {
			t.Errorf("open of %s: %v: %s", path, err, out)
		}
	}
}

func TestHeldByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	out, err := child(t, "open", dir, nil)
	if err == nil || !strings.Contains(out, fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := file.Open(dir, file.Options{}); !errors.Is(err, file.ErrHeld) {
		t.Errorf("a second time in one process: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := child(t, "open", dir, nil); err != nil {
		t.Errorf("after closing: %v: %s", err, out)
	}
}
