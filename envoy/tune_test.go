package envoy

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestPlan(t *testing.T) {
	v2 := func(files map[string]string) fstest.MapFS {
		fs := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/pod/app\n")}}
		for name, text := range files {
			fs["sys/fs/cgroup/"+name] = &fstest.MapFile{Data: []byte(text + "\n")}
		}
		return fs
	}
	tests := map[string]struct {
		root fstest.MapFS
		env  map[string]string
		want Tuning
	}{
		"no container":      {root: fstest.MapFS{}, want: Tuning{GOGC: 400}},
		"limits":            {root: v2(map[string]string{"pod/app/memory.max": "100000000", "pod/app/cpu.max": "50000 100000"}), want: Tuning{GOGC: 400, MemoryLimit: 90000000, GOMAXPROCS: 1}},
		"one CPU":           {root: v2(map[string]string{"pod/app/cpu.max": "100000 100000"}), want: Tuning{GOGC: 400, GOMAXPROCS: 1}},
		"more than one CPU": {root: v2(map[string]string{"pod/app/cpu.max": "150000 100000"}), want: Tuning{GOGC: 400}},
		"no limit":          {root: v2(map[string]string{"pod/app/memory.max": "max", "pod/app/cpu.max": "max 100000"}), want: Tuning{GOGC: 400}},
		"the group above is tighter": {
			root: v2(map[string]string{"pod/app/memory.max": "100000000", "pod/memory.max": "50000000", "memory.max": "max", "pod/cpu.max": "20000 100000"}),
			want: Tuning{GOGC: 400, MemoryLimit: 45000000, GOMAXPROCS: 1},
		},
		"a namespace that hides the path": {root: v2(map[string]string{"memory.max": "1000000"}), want: Tuning{GOGC: 400, MemoryLimit: 900000}},
		"version 1": {
			root: fstest.MapFS{
				"proc/self/cgroup": {Data: []byte("4:memory:/a\n3:cpu,cpuacct:/a\n2:pids:/a\nnonsense\n")},
				"sys/fs/cgroup/memory/a/memory.limit_in_bytes": {Data: []byte("1000000\n")},
				"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us":         {Data: []byte("100000\n")},
				"sys/fs/cgroup/cpu/a/cpu.cfs_period_us":        {Data: []byte("100000\n")},
			},
			want: Tuning{GOGC: 400, MemoryLimit: 900000, GOMAXPROCS: 1},
		},
		"version 1 without limit": {
			root: fstest.MapFS{
				"proc/self/cgroup":                           {Data: []byte("4:memory:/\n3:cpu:/\n")},
				"sys/fs/cgroup/memory/memory.limit_in_bytes": {Data: []byte("9223372036854771712\n")},
				"sys/fs/cgroup/cpu/cpu.cfs_quota_us":         {Data: []byte("-1\n")},
				"sys/fs/cgroup/cpu/cpu.cfs_period_us":        {Data: []byte("100000\n")},
			},
			want: Tuning{GOGC: 400},
		},
		"the operator's word": {
			root: v2(map[string]string{"pod/app/memory.max": "100000000", "pod/app/cpu.max": "50000 100000"}),
			env:  map[string]string{"GOGC": "100", "GOMEMLIMIT": "1GiB", "GOMAXPROCS": "4"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := plan(limitsOf(test.root), func(key string) string { return test.env[key] }); got != test.want {
				t.Errorf("plan = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTune(t *testing.T) {
	percent, procs, memory := debug.SetGCPercent(100), runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1)
	defer func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(memory)
		runtime.GOMAXPROCS(procs)
	}()
	root := fstest.MapFS{
		"proc/self/cgroup":         {Data: []byte("0::/\n")},
		"sys/fs/cgroup/memory.max": {Data: []byte("4000000000\n")},
		"sys/fs/cgroup/cpu.max":    {Data: []byte("100000 100000\n")},
	}
	Tune(root, func(string) string { return "" })
	if got := debug.SetGCPercent(100); got != 400 {
		t.Errorf("GOGC = %d", got)
	}
	if got := debug.SetMemoryLimit(math.MaxInt64); got != 3600000000 {
		t.Errorf("memory limit = %d", got)
	}
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("GOMAXPROCS = %d", got)
	}
}
