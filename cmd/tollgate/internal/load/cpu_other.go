//go:build !linux

package load

import (
	"errors"
	"time"
)

// cpuOf is known on Linux only.
func cpuOf(int) (time.Duration, error) {
	return 0, errors.New("the processor time of another process is known on Linux only")
}
