package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/authz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counting is an engine that takes every specification.
type counting struct {
	compiled, swapped uint64
	realm             string // of the last swap
	next              string
	found             []authz.Problem // what Compile says
}

func (c *counting) Check(authz.Spec) []authz.Problem { return nil }

func (c *counting) Compile(_ context.Context, s authz.Spec) (*authz.Snapshot, []authz.Problem) {
	if c.found != nil {
		return nil, c.found
	}
	c.compiled++
	c.next = s.Answers.Realm
	return &authz.Snapshot{}, nil
}

func (c *counting) Swap(*authz.Snapshot) uint64 {
	c.swapped++
	c.realm = c.next
	return c.swapped
}

// told is a watcher whose events the test sends.
type told struct {
	events chan string
	dirs   []string
}

func (w *told) watch(dirs []string)    { w.dirs = dirs }
func (w *told) changes() <-chan string { return w.events }
func (w *told) close() error           { return nil }

// world is a running Reloader with its files.
type world struct {
	t      *testing.T
	dir    string
	path   string
	engine *counting
	watch  *told
	*Reloader
}

// inWorld runs a test in a bubble of fake time, with a Reloader that was started
// on a file that names its realm "first".
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: dir, path: filepath.Join(dir, "tollgate.yaml"), engine: &counting{}, watch: &told{events: make(chan string)}}
		w.realm("first")
		w.Reloader = NewReloader(ReloaderOptions{Loader: &Loader{Path: w.path, Env: variables}, Engine: w.engine})
		w.watcher = w.watch
		if _, problems := w.Start(t.Context()); Broken(problems) {
			t.Fatal(lines(problems))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		synctest.Wait()
		test(w)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// write writes a file of the world.
func (w *world) write(name, content string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// realm writes a good main file.
func (w *world) realm(name string) {
	w.write("tollgate.yaml", "version: 1\nanswers: {realm: "+name+"}\n")
}

// event tells of a change and lets the Reloader do what follows from it, in
// fake time.
func (w *world) event(name string) {
	w.watch.events <- filepath.Join(w.dir, name)
	w.wait(time.Second)
}

// wait lets fake time pass.
func (w *world) wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// want checks what is in force and what is wrong with the last attempt.
func (w *world) want(realm, problem string) {
	w.t.Helper()
	if w.engine.realm != realm {
		w.t.Errorf("%s is in force, want %s", w.engine.realm, realm)
	}
	s := w.Status()
	got := lines(s.Attempted.Problems)
	if (problem == "") != !Broken(s.Attempted.Problems) || !strings.Contains(got, problem) {
		w.t.Errorf("the last attempt says\n%s\nwant %q", got, problem)
	}
	if s.Applied.Generation != w.engine.swapped || s.Applied.Hash == "" {
		w.t.Errorf("applied is %+v after %d swaps", s.Applied, w.engine.swapped)
	}
}

func TestReloadOnChange(t *testing.T) {
	inWorld(t, func(w *world) {
		w.realm("second")
		w.event("tollgate.yaml")
		w.want("second", "")
		w.event("tollgate.yaml") // nothing changed
		w.event("other.log")
		if w.engine.swapped != 2 {
			t.Errorf("%d swaps, want 2", w.engine.swapped)
		}
	})
}

func TestBrokenFileKeepsTheLastGoodOne(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.Status().Applied
		w.write("tollgate.yaml", "version: 1\nlog: {level: loud}\nbogus: 1\n")
		w.event("tollgate.yaml")
		w.want("first", "loud")
		w.want("first", "bogus")
		s := w.Status()
		if s.Attempted.Hash == s.Applied.Hash || s.Applied.Hash != first.Hash || s.Failed != 1 {
			t.Errorf("the status is %+v", s)
		}
		w.realm("first") // back to what is in force: the alarm is cleared
		w.event("tollgate.yaml")
		w.want("first", "")
		if s := w.Status(); s.Attempted.Hash != first.Hash || s.Failed != 1 {
			t.Errorf("the status is %+v", s)
		}
	})
}

func TestEngineRefusesReload(t *testing.T) {
	inWorld(t, func(w *world) {
		w.engine.found = []authz.Problem{{At: "/answers/realm", What: "is no good"}}
		w.realm("second")
		w.event("tollgate.yaml")
		w.want("first", "tollgate.yaml:2:18: realm is no good")
		w.engine.found = nil
		if s, err := w.Reload(w.t.Context(), TriggerSignal); err != nil || !s.Attempted.OK() || s.Attempted.Trigger != TriggerSignal {
			t.Errorf("%+v, %v", s, err)
		}
		w.want("second", "")
	})
}

// TestHalfWrittenFile: while a file grows, nothing is read.
func TestHalfWrittenFile(t *testing.T) {
	inWorld(t, func(w *world) {
		w.write("tollgate.yaml", "")
		w.watch.events <- w.path
		for _, part := range []string{"version: 1\n", "version: 1\nanswers: {rea"} {
			w.wait(stillFor / 2)
			w.write("tollgate.yaml", part)
			w.watch.events <- w.path
		}
		w.wait(stillFor / 2)
		w.realm("second")
		w.wait(time.Second) // without an event for the last part
		w.want("second", "")
		if s := w.Status(); s.Reloads != 1 {
			t.Errorf("%d attempts, want 1", s.Reloads)
		}
	})
}

// TestRestlessFile: a file that never comes to rest is read all the same.
func TestRestlessFile(t *testing.T) {
	inWorld(t, func(w *world) {
		w.realm("second")
		for i := 0; w.Status().Reloads == 0; i++ {
			if i > 200 {
				t.Fatal("it is never read")
			}
			w.realm(fmt.Sprintf("restless-%d", i))
			w.watch.events <- w.path
			w.wait(stillFor / 2)
		}
	})
}

// TestLostEvent: contents are compared where no event comes.
func TestLostEvent(t *testing.T) {
	inWorld(t, func(w *world) {
		w.realm("second")
		w.wait(2 * pollEvery)
		w.want("second", "")
	})
}

func TestVanishedFile(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := os.Rename(w.path, w.path+".away"); err != nil {
			t.Fatal(err)
		}
		w.event("tollgate.yaml")
		w.want("first", "does not exist")
		if err := os.Rename(w.path+".away", w.path); err != nil {
			t.Fatal(err)
		}
		w.event("tollgate.yaml")
		w.want("first", "")
	})
}

// TestUnreadableFile: a file that is there and cannot be read, as after a change
// of permissions (a directory stands in for it: root may read everything).
func TestUnreadableFile(t *testing.T) {
	inWorld(t, func(w *world) {
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(w.path, 0o700); err != nil {
			t.Fatal(err)
		}
		w.event("tollgate.yaml")
		w.want("first", "no regular file")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.realm("second")
		w.event("tollgate.yaml")
		w.want("second", "")
	})
}

// TestSymlinkSwap is what Kubernetes does with the files of a ConfigMap.
func TestSymlinkSwap(t *testing.T) {
	inWorld(t, func(w *world) {
		publish := func(version, realm string) {
			dir := filepath.Join(w.dir, version)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			w.write(filepath.Join(version, "tollgate.yaml"), "version: 1\nanswers: {realm: "+realm+"}\n")
			next := filepath.Join(w.dir, "..data_tmp")
			if err := os.Symlink(version, next); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(next, filepath.Join(w.dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		publish("..2026_01", "second")
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..data", "tollgate.yaml"), w.path); err != nil {
			t.Fatal(err)
		}
		w.event("..data")
		w.want("second", "")
		publish("..2026_02", "third")
		w.event("..data")
		w.want("third", "")
	})
}

func TestFragmentsComeAndGo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.write("tollgate.yaml", "version: 1\ninclude: [\"apis/*.yaml\"]\nanswers: {realm: second}\n")
		w.event("tollgate.yaml")
		w.want("second", "")
		if err := os.Mkdir(filepath.Join(w.dir, "apis"), 0o700); err != nil {
			t.Fatal(err)
		}
		w.write("apis/a.yaml", "policies: [{id: a}]\n")
		w.event("apis")
		if w.engine.swapped != 3 {
			t.Errorf("%d swaps after a fragment came, want 3", w.engine.swapped)
		}
		w.write("apis/a.yaml", "policies: [{id: a, tags: 7}]\n")
		w.event("apis/a.yaml")
		w.want("second", "apis/a.yaml:1:26: tags wants a list")
		if err := os.Remove(filepath.Join(w.dir, "apis", "a.yaml")); err != nil {
			t.Fatal(err)
		}
		w.event("apis/a.yaml")
		w.want("second", "")
	})
}

// TestValueChanges: a file that file:// names is read again.
func TestValueChanges(t *testing.T) {
	inWorld(t, func(w *world) {
		w.write("realm", "second\n")
		w.write("tollgate.yaml", "version: 1\nanswers: {realm: file://realm}\n")
		w.event("tollgate.yaml")
		w.want("second", "")
		w.write("realm", "third\n")
		w.event("realm")
		w.want("third", "")
		if err := os.Remove(filepath.Join(w.dir, "realm")); err != nil {
			t.Fatal(err)
		}
		w.event("realm")
		w.want("third", "file://realm does not exist")
	})
}

// TestRetry: what failed outside the files is tried again.
func TestRetry(t *testing.T) {
	inWorld(t, func(w *world) {
		w.loader.values.env = func(name string) (string, bool) {
			return map[string]string{"CONSUL_HTTP_ADDR": "127.0.0.1:1"}[name], name == "CONSUL_HTTP_ADDR" // nobody listens there
		}
		w.write("tollgate.yaml", "version: 1\nanswers: {realm: consul://realm}\n")
		w.event("tollgate.yaml")
		w.want("first", "consul://realm")
		before := w.Status().Reloads
		w.wait(pollEvery)
		if after := w.Status(); after.Reloads != before+1 || after.Attempted.Trigger != TriggerRetry {
			t.Errorf("%+v after %d attempts", after, before)
		}
	})
}

func TestRestartIsNamed(t *testing.T) {
	inWorld(t, func(w *world) {
		w.write("tollgate.yaml", "version: 1\nlisten: {check: \"127.0.0.1:9292\"}\ncache: {tokens: 1MiB}\nanswers: {realm: second}\n")
		w.event("tollgate.yaml")
		w.want("second", "")
		if got := strings.Join(w.Status().Restart, " "); got != "listen.check cache.tokens" {
			t.Errorf("a restart is needed for %q", got)
		}
		w.realm("third")
		w.event("tollgate.yaml")
		if got := w.Status().Restart; got != nil {
			t.Errorf("a restart is needed for %q", got)
		}
	})
}

// TestReloadGivesUp: nobody waits longer than they want to.
func TestReloadGivesUp(t *testing.T) {
	r := NewReloader(ReloaderOptions{Loader: &Loader{Path: "nowhere.yaml"}, Engine: &counting{}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Reload(ctx, TriggerAdmin); err == nil {
		t.Error("a Reloader that does not run answers")
	}
}

// TestManyReloads alternates good and broken files: nothing piles up.
func TestManyReloads(t *testing.T) {
	count := 100
	if os.Getenv("TOLLGATE_LONG") != "" {
		count = 1000
	}
	inWorld(t, func(w *world) {
		var early uint64
		for i := range count {
			if i%2 == 0 {
				w.realm(fmt.Sprintf("r%d", i))
			} else {
				w.write("tollgate.yaml", "version: 1\nanswers: {realm: [x]}\n")
			}
			s, err := w.Reload(w.t.Context(), TriggerAdmin)
			if err != nil || s.Attempted.OK() != (i%2 == 0) || w.engine.realm != fmt.Sprintf("r%d", i-i%2) {
				t.Fatalf("reload %d: %+v, %v, %s is in force", i, s, err, w.engine.realm)
			}
			if i == count/10 {
				early = heap()
			}
		}
		if late := heap(); late > early+early/10+1<<20 {
			t.Errorf("the heap grew from %d to %d bytes", early, late)
		}
	})
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
