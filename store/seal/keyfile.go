package seal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// KeyFile is where the generated key of an embedded store stands: beside its
// directory, never in it, so that a copy of the directory opens nothing.
func KeyFile(dir string) string { return filepath.Clean(dir) + ".seal.key" }

// ReadKeyFile reads a generated key. It answers fs.ErrNotExist when there is
// none and refuses a file that others may read.
func ReadKeyFile(path string) (Key, error) {
	f, err := os.Open(path) // the path is the operator's
	if err != nil {
		return Key{}, err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return Key{}, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Key{}, fmt.Errorf("seal key file %s: mode %04o lets others read it: chmod 600", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return Key{}, err
	}
	return ParseKey(filepath.Base(path), string(text))
}

// MakeKeyFile makes a random key and writes it with mode 0600. It never
// replaces a file: of several processes that try at once one wins, and the
// others get fs.ErrExist and read what it wrote.
func MakeKeyFile(path string) (Key, error) {
	k := NewKey(filepath.Base(path))
	tmp, err := os.CreateTemp(filepath.Dir(path), ".seal-*") // mode 0600
	if err != nil {
		return Key{}, err
	}
	defer os.Remove(tmp.Name()) // gone or not, it is not the key file
	_, err = tmp.WriteString(k.Text() + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return Key{}, fmt.Errorf("seal key file %s: %w", path, err)
	}
	// A link appears whole or not at all, and fails where there is a file.
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return Key{}, fs.ErrExist
		}
		return Key{}, fmt.Errorf("seal key file %s: %w", path, err)
	}
	return k, syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir) // the path is the operator's
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
