package config

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestRealWatch swaps ..data under a Reloader that the operating system tells of
// changes. The wait is for its answer, with a wide margin; contents are compared
// far too seldom to help.
func TestRealWatch(t *testing.T) {
	dir := t.TempDir()
	publish := func(version, realm string) {
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, version, "tollgate.yaml"), []byte("version: 1\nanswers: {realm: "+realm+"}\n"), 0o600))
		must(t, os.Symlink(version, filepath.Join(dir, "..tmp")))
		must(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	publish("..1", "first")
	path := filepath.Join(dir, "tollgate.yaml")
	must(t, os.Symlink(filepath.Join("..data", "tollgate.yaml"), path))

	states := make(chan Status, 100)
	r := NewReloader(ReloaderOptions{
		Loader: &Loader{Path: path, Env: variables}, Engine: &counting{},
		Observe: func(_ *Config, s Status) { states <- s },
	})
	r.still, r.poll = 5*time.Millisecond, time.Hour
	if _, problems := r.Start(t.Context()); Broken(problems) {
		t.Fatal(lines(problems))
	}
	<-states
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	defer func() {
		cancel()
		must(t, <-done)
	}()

	next := func(step string, ok bool) Status {
		t.Helper()
		for {
			select {
			case s := <-states:
				if s.Attempted.OK() == ok {
					return s
				}
			case <-time.NewTimer(30 * time.Second).C:
				t.Fatalf("%s: nothing happens", step)
			}
		}
	}
	publish("..2", "second")
	second := next("swap of ..data", true)

	must(t, os.WriteFile(filepath.Join(dir, "..2", "tollgate.yaml"), []byte("version: 2\n"), 0o600))
	if s := next("write through the link", false); s.Applied.Hash != second.Applied.Hash {
		t.Errorf("a broken file is in force: %+v", s)
	}
	must(t, os.Remove(path))
	next("removal", false)
	must(t, os.WriteFile(path, []byte("version: 1\nanswers: {realm: third}\n"), 0o600))
	next("a file in place of the link", true)
	must(t, os.WriteFile(path+".new", []byte("version: 1\nanswers: {realm: fourth}\n"), 0o600))
	must(t, os.Rename(path+".new", path))
	next("rename over the file", true)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
