//go:build unix && !linux

package file

import "errors"

func diskOf(string) (free int64, network string, err error) {
	return 0, "", errors.New("what is free is not known on this system")
}
