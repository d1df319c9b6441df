package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// watcher tells of changes in directories.
type watcher interface {
	// watch makes dirs the directories that are watched. One that cannot be is
	// left to the comparison of contents.
	watch(dirs []string)
	// changes gives the paths of entries that were made, written, renamed or
	// removed, or whose permissions changed.
	changes() <-chan string
	close() error
}

// notified is the watcher of the operating system.
type notified struct {
	fs   *fsnotify.Watcher
	out  chan string
	done chan struct{}
}

// newNotified starts watching nothing.
func newNotified() (*notified, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	n := &notified{fs: fs, out: make(chan string), done: make(chan struct{})}
	go n.forward()
	return n, nil
}

// forward hands events on until the watcher is closed.
func (n *notified) forward() {
	defer close(n.out)
	for {
		select {
		case e, ok := <-n.fs.Events:
			if !ok {
				return
			}
			select {
			case n.out <- e.Name:
			case <-n.done:
				return
			}
		case _, ok := <-n.fs.Errors: // an overflow: the comparison of contents finds what was lost
			if !ok {
				return
			}
		}
	}
}

func (n *notified) watch(dirs []string) {
	for _, old := range n.fs.WatchList() {
		if !slices.Contains(dirs, old) {
			_ = n.fs.Remove(old) // it may be gone
		}
	}
	for _, dir := range dirs {
		_ = n.fs.Add(dir) // left to the comparison of contents
	}
}

func (n *notified) changes() <-chan string { return n.out }

func (n *notified) close() error {
	close(n.done)
	return n.fs.Close()
}

// dirs lists the directories in which a change of the inputs shows: those of the
// paths as written, where Kubernetes swaps ..data, and those that links lead to.
func (in *Inputs) dirs() []string {
	var out []string
	add := func(path string) {
		out = append(out, filepath.Dir(path))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			out = append(out, filepath.Dir(real))
		}
	}
	for _, path := range in.files() {
		add(path)
	}
	for _, pattern := range in.Patterns {
		path := within(filepath.Dir(in.Main), pattern)
		for hasMeta(filepath.Dir(path)) {
			path = filepath.Dir(path)
		}
		add(path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// concern says whether a changed path may change the inputs. Other files of the
// same directories, such as a log, are none of ours.
func (in *Inputs) concern(path string) bool {
	name := filepath.Base(path)
	if strings.HasPrefix(name, "..") { // Kubernetes
		return true
	}
	for _, file := range in.files() {
		if filepath.Base(file) == name {
			return true
		}
		if real, err := filepath.EvalSymlinks(file); err == nil && filepath.Base(real) == name {
			return true
		}
	}
	for _, pattern := range in.Patterns {
		for part := range strings.SplitSeq(filepath.ToSlash(pattern), "/") {
			if ok, _ := filepath.Match(part, name); ok {
				return true
			}
		}
	}
	return false
}
