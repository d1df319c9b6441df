//go:build unix

package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ErrHeld says that another process has the store.
var ErrHeld = errors.New("held by another process")

// lock makes this process the only one that has the store, or says which one is.
// The lock ends with the process, however it ends; the file stays.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // a descriptor is a small number
	if err != nil {
		holder := holderOf(f)
		f.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w%s: a file store serves one tollgate at a time; "+
				"ask the running one (--server), or stop it, or use Redis for several", ErrHeld, holder)
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	// The number is for people; the lock itself is what counts.
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		f.Close() // the first error counts
		return nil, err
	}
	return f, nil
}

func holderOf(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}
