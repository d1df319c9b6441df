package envoy

import (
	"io/fs"
	"log/slog"
	"math"
	"path"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Tuning is what Tune has set. Zero fields were left alone.
type Tuning struct {
	GOGC        int   // garbage collector target, percent
	MemoryLimit int64 // soft limit of the collector, bytes
	GOMAXPROCS  int
}

const (
	// collectorTarget trades a little memory for a quarter of the CPU: a check
	// lives for microseconds and most of its cost is garbage.
	collectorTarget = 400
	// memoryShare of the container's limit is what the collector may fill before
	// it works harder; the rest is for stacks and what is not the collector's.
	memoryShare = 0.9
)

// Tune sets up the process for many short calls. Whatever the operator set by
// Go's own variables GOGC, GOMEMLIMIT and GOMAXPROCS stays. root is the root of
// the file system, where the limits of the container are read; getenv is
// os.Getenv.
func Tune(root fs.FS, getenv func(string) string) Tuning {
	tuned := plan(limitsOf(root), getenv)
	if tuned.GOGC > 0 {
		debug.SetGCPercent(tuned.GOGC)
	}
	if tuned.MemoryLimit > 0 {
		debug.SetMemoryLimit(tuned.MemoryLimit)
	}
	if tuned.GOMAXPROCS > 0 {
		runtime.GOMAXPROCS(tuned.GOMAXPROCS)
	}
	return tuned
}

// LogValue makes a Tuning a group of a log line.
func (t Tuning) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("gogc", t.GOGC),
		slog.Int64("memory_limit", t.MemoryLimit),
		slog.Int("gomaxprocs", t.GOMAXPROCS),
	)
}

// plan decides what to set.
func plan(l cgroup, getenv func(string) string) Tuning {
	var t Tuning
	if getenv("GOGC") == "" {
		t.GOGC = collectorTarget
	}
	if getenv("GOMEMLIMIT") == "" && l.memory > 0 {
		t.MemoryLimit = int64(float64(l.memory) * memoryShare)
	}
	// Go follows the container's limit, but never below two: with one processor
	// or less the second thread only costs wake-ups.
	if getenv("GOMAXPROCS") == "" && l.cpus > 0 && l.cpus <= 1 {
		t.GOMAXPROCS = 1
	}
	return t
}

// cgroup holds the limits of the container; 0 is none.
type cgroup struct {
	memory int64
	cpus   float64
}

// limitsOf reads the limits of this process's control group and of those above
// it, of version 2 or 1. What cannot be read is no limit.
func limitsOf(root fs.FS) cgroup {
	var l cgroup
	for line := range strings.Lines(read(root, "proc/self/cgroup")) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
			l.tighten(root, controllers, dir)
			if dir == "/" {
				break
			}
		}
	}
	return l
}

// tighten takes over the limits of one directory where they are smaller.
func (l *cgroup) tighten(root fs.FS, controllers, dir string) {
	const mount = "sys/fs/cgroup"
	switch {
	case controllers == "":
		quota, period, _ := strings.Cut(read(root, path.Join(mount, dir, "cpu.max")), " ")
		l.cpu(quota, period)
		l.bytes(read(root, path.Join(mount, dir, "memory.max")))
	case strings.Contains(","+controllers+",", ",cpu,"):
		at := path.Join(mount, "cpu", dir)
		l.cpu(read(root, path.Join(at, "cpu.cfs_quota_us")), read(root, path.Join(at, "cpu.cfs_period_us")))
	case controllers == "memory":
		l.bytes(read(root, path.Join(mount, "memory", dir, "memory.limit_in_bytes")))
	}
}

func (l *cgroup) cpu(quota, period string) {
	q, err1 := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return // "max", or -1 in version 1
	}
	if cpus := q / p; l.cpus == 0 || cpus < l.cpus {
		l.cpus = cpus
	}
}

func (l *cgroup) bytes(text string) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/2 {
		return // "max", or the huge number that is none in version 1
	}
	if l.memory == 0 || n < l.memory {
		l.memory = n
	}
}

func read(root fs.FS, name string) string {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
