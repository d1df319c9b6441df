package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
)

// restored opens a backup as a store.
func restored(t *testing.T, backup string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Rename(backup, filepath.Join(dir, "store.db")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, file.Options{})
	defer s.Close()
	return contents(t, s)
}

// TestBackupWhileWriting takes copies of a store at work. Two records are always
// written one after the other, so a copy of one instant has them alike or the
// first one ahead.
func TestBackupWhileWriting(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))} {
		s := open(t, dir, file.Options{})
		stop := make(chan struct{})
		var writing sync.WaitGroup
		for w := range 4 {
			writing.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					for _, half := range []string{"first", "second"} {
						key := cred(fmt.Sprintf("%s %d", half, w))
						if _, err := s.Put(t.Context(), key, fmt.Appendf(nil, "%09d", i), store.Write{}); err != nil {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		for range 10 {
			to := filepath.Join(t.TempDir(), "copy")
			if err := file.Backup(t.Context(), dir, to); err != nil {
				t.Fatal(err)
			}
			got := restored(t, to)
			for w := range 4 {
				first, second := got[fmt.Sprintf("first %d", w)], got[fmt.Sprintf("second %d", w)]
				if second == "" {
					continue // the first of its pair may be alone
				}
				a, err := strconv.Atoi(first)
				b, err2 := strconv.Atoi(second)
				if err != nil || err2 != nil || a != b && a != b+1 {
					t.Errorf("writer %d: %q and %q in one copy", w, first, second)
				}
			}
		}
		close(stop)
		writing.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBackupOfAStoppedStore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	put(t, s, cred("a"), "v", time.Time{})
	want := contents(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := file.Backup(t.Context(), dir, to); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	if err := file.Backup(t.Context(), dir, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another copy: %v", err)
	}
	if got := restored(t, to); !maps.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := file.Backup(t.Context(), t.TempDir(), to); err == nil {
		t.Error("a backup of nothing")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(to), ".backup-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q (%v)", left, err)
	}
}

func TestSealKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "store")
	first, made, err := file.SealKey(dir)
	if err != nil || !made {
		t.Fatalf("made %v: %v", made, err)
	}
	info, err := os.Stat(dir + ".seal.key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file: %v (%v)", info, err)
	}
	if err := open(t, dir, file.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	again, made, err := file.SealKey(dir)
	if err != nil || made || again.Text() != first.Text() {
		t.Errorf("second time: made %v: %v", made, err)
	}
	if err := os.Chmod(dir+".seal.key", 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := file.SealKey(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by others: %v", err)
	}
	if err := os.Remove(dir + ".seal.key"); err != nil {
		t.Fatal(err)
	}
	if _, made, err := file.SealKey(dir); err == nil || made || !strings.Contains(err.Error(), "missing") {
		t.Errorf("lost: made %v: %v", made, err)
	}
}

func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir, file.Options{})
	defer s.Close()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range found {
		fmt.Fprintf(&all, "%s %s: %s\n", f.Severity, f.Subject, f.Text)
	}
	for _, want := range []string{"fact file:" + dir, "a commit takes", "mode 0755 lets others in", "MiB of records in memory"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("%q is not in\n%s", want, all.String())
		}
	}
}
