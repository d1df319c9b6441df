package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tollgate-authz/tollgate/store/seal"
)

// SealKey is the generated seal key of a directory, beside it. For a new store
// it is made, and made is true: whoever starts the store should say where it
// is. For a store that has records already a missing key is an error: a new one
// would open none of them.
func SealKey(dir string) (key seal.Key, made bool, err error) {
	path := seal.KeyFile(dir)
	key, err = seal.ReadKeyFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if Exists(dir) {
		return seal.Key{}, false, fmt.Errorf("store file:%s has records, but its seal key %s is missing: "+
			"put it back, or name the keys under seal.keys", dir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return seal.Key{}, false, err
	}
	key, err = seal.MakeKeyFile(path)
	if errors.Is(err, fs.ErrExist) { // another process was faster
		key, err = seal.ReadKeyFile(path)
		return key, false, err
	}
	return key, err == nil, err
}
