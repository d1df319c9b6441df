package demo

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Process is a child that ends with this process at the latest.
type Process struct {
	command *exec.Cmd
	log     *tail
	ended   chan struct{}
	err     error // of Wait, set before ended is closed
}

// Command says what to start.
type Command struct {
	Path string
	Args []string
	Dir  string
	Env  []string // added to this process's
}

// Start starts a child. Its output is kept, the last 64 KiB of it.
func Start(c Command) (*Process, error) {
	p := &Process{log: &tail{}, ended: make(chan struct{})}
	p.command = exec.Command(c.Path, c.Args...) //nolint:gosec,noctx // the operator's own Envoy; Stop ends it with a grace that a context has not
	p.command.Dir = c.Dir
	p.command.Env = append(os.Environ(), c.Env...)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	if err := startTied(p.command, p.ended); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		p.err = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Code is the exit status of an ended process, -1 after a signal.
func (p *Process) Code() int {
	<-p.ended
	return p.command.ProcessState.ExitCode()
}

// Output is the end of what the process wrote.
func (p *Process) Output() string { return p.log.String() }

// Signal sends a signal.
func (p *Process) Signal(signal os.Signal) error { return p.command.Process.Signal(signal) }

// Stop asks the process to end and ends it after grace.
func (p *Process) Stop(grace time.Duration) {
	_ = p.Signal(os.Interrupt)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = p.command.Process.Kill()
		<-p.ended
	}
}

// Await asks ready again and again until it is true. It gives up when ctx ends
// or the process does.
func (p *Process) Await(ctx context.Context, what string, ready func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended before %s:\n%s", p.command.Path, what, p.Output())
		case <-ctx.Done():
			return fmt.Errorf("%s: no %s: %w\n%s", p.command.Path, what, ctx.Err(), p.Output())
		case <-ticker.C:
		}
	}
	return nil
}

// AwaitLine waits for a line of output that begins with prefix and gives it.
func (p *Process) AwaitLine(ctx context.Context, prefix string) (string, error) {
	var found string
	err := p.Await(ctx, "line "+prefix, func() bool {
		for line := range strings.Lines(p.Output()) {
			if strings.HasPrefix(line, prefix) && strings.HasSuffix(line, "\n") {
				found = strings.TrimSuffix(line, "\n")
				return true
			}
		}
		return false
	})
	if err != nil {
		return "", err
	}
	return found, nil
}

// tail keeps the last bytes of what is written to it.
type tail struct {
	mutex sync.Mutex
	kept  bytes.Buffer
}

const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.kept.Write(p)
	if over := t.kept.Len() - tailBytes; over > tailBytes {
		t.kept.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.kept.String()
}
