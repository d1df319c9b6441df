package load

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// cpuOf is the processor time that a process has used, 0 meaning this one. The
// clock of another process is named by its id (clock_getcpuclockid(3)).
func cpuOf(pid int) (time.Duration, error) {
	clock := int32(unix.CLOCK_PROCESS_CPUTIME_ID)
	if pid > 0 {
		const scheduled = 2 // CPUCLOCK_SCHED
		clock = int32(^pid<<3 | scheduled)
	}
	var used unix.Timespec
	if err := unix.ClockGettime(clock, &used); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(used.Nano()), nil
}
