package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// errDamaged says that the log cannot be used as it is. Nothing has been
// changed.
var errDamaged = errors.New("the store file is damaged; it was left as it is: move it away and put a backup in its place")

// The two first pages of a bbolt file say, one of them for the last commit, how
// many pages are in use. Offsets are within a page.
const (
	metaMagic    = 0xED0CDAED
	atMagic      = 16
	atPageSize   = 24
	atHighWater  = 56
	atCommit     = 64
	atChecksum   = 72
	metaPageEnd  = 80
	leastPage    = 512
	greatestPage = 64 << 10
)

// intact refuses a file that is shorter than its last commit says. bbolt would
// map it and the process would end at the first look at a missing page.
func intact(path string) error {
	f, err := os.Open(path) // the path is the operator's
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	if info.Size() == 0 {
		return nil
	}
	need, err := bytesInUse(f)
	if err != nil {
		return err
	}
	if info.Size() < need {
		return fmt.Errorf("%w (cut short: %d of %d bytes)", errDamaged, info.Size(), need)
	}
	return nil
}

// bytesInUse is how long the file must be for its newest whole commit.
func bytesInUse(f io.ReaderAt) (int64, error) {
	var need int64
	var newest uint64
	found := false
	look := func(at int64) int64 {
		var b [metaPageEnd]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			return 0
		}
		order := binary.NativeEndian // bbolt writes as the machine does
		sum := fnv.New64a()
		sum.Write(b[atMagic:atChecksum]) // a hash never fails
		if order.Uint32(b[atMagic:]) != metaMagic || order.Uint64(b[atChecksum:]) != sum.Sum64() {
			return 0
		}
		size := int64(order.Uint32(b[atPageSize:]))
		if commit := order.Uint64(b[atCommit:]); !found || commit > newest {
			newest, need = commit, int64(order.Uint64(b[atHighWater:]))*size // guarded by the checksum
			found = true
		}
		return size
	}
	if size := look(0); size != 0 {
		look(size)
	} else {
		for size := int64(leastPage); size <= greatestPage; size *= 2 {
			look(size)
		}
	}
	if !found {
		return 0, fmt.Errorf("%w (or no file of tollgate's)", errDamaged)
	}
	return need, nil
}
