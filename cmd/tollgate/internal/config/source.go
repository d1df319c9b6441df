package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// What is read at most. A file of 10,000 policies has 3 MB.
const (
	maxFile  = 16 << 20
	maxFiles = 64 << 20 // of all files of one load
	maxValue = 1 << 20  // of a file that a value names
)

// source reads files as a whole and remembers what they were, so that a load can
// tell whether any of them changed while it was reading the others, and a reload
// whether any of them changed since.
type source struct {
	after func(path string) // told after each reading; nil: nobody

	mu    sync.Mutex
	total int64
	seen  []stamp
	read  digests
}

// stamp is what a file was when it was read.
type stamp struct {
	path string
	info fs.FileInfo
}

// file gives the content of a regular file of at most limit bytes.
func (s *source) file(path string, limit int64) ([]byte, error) {
	data, info, err := readWhole(path, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = digests{}
	}
	s.read[path] = digestOf(data, err)
	if err != nil {
		return nil, err
	}
	s.seen = append(s.seen, stamp{path, info})
	if s.after != nil {
		s.after(path)
	}
	if s.total += int64(len(data)); s.total > maxFiles {
		return nil, fmt.Errorf("is one too many: all files together have more than %d bytes", maxFiles)
	}
	return data, nil
}

// readWhole reads a regular file of at most limit bytes.
func readWhole(path string, limit int64) ([]byte, fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, cause(err)
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("is no regular file")
	case info.Size() > limit:
		return nil, nil, fmt.Errorf("has %d bytes; at most %d are read", info.Size(), limit)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, nil, cause(err)
	case int64(len(data)) > limit:
		return nil, nil, fmt.Errorf("has more than %d bytes", limit)
	}
	return data, info, nil
}

// changed gives the first file that is not what it was when it was read.
func (s *source) changed() (path string, ok bool) {
	for _, old := range s.seen {
		now, err := os.Stat(old.path)
		if err != nil || !os.SameFile(old.info, now) || now.Size() != old.info.Size() || !now.ModTime().Equal(old.info.ModTime()) {
			return old.path, true
		}
	}
	return "", false
}

// cause is an error of the file system without the path, which the message names
// already.
func cause(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("may not be read by this user")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
