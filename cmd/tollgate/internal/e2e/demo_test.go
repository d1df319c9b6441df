package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

// startDemo runs `tollgate demo` with a real Envoy.
func startDemo(t *testing.T, args ...string) *demo.Process {
	t.Helper()
	envoy, err := demo.FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	process, err := demo.Start(demo.Command{
		Path: tollgate(t), Args: append([]string{"demo", "--envoy", envoy}, args...), Dir: t.TempDir(),
		Env: []string{"TMPDIR=" + t.TempDir()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(process) })
	return process
}

func TestDemoOnce(t *testing.T) {
	process := startDemo(t, "--once")
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	select {
	case <-process.Ended():
	case <-ctx.Done():
		t.Fatalf("still running:\n%s", process.Output())
	}
	output := process.Output()
	if code := process.Code(); code != 0 {
		t.Fatalf("exit status %d:\n%s", code, output)
	}
	for _, want := range []string{
		"allowed", "token_missing", "token_expired", "token_invalid (exactly: signature_invalid)",
		"audience_refused", "scope_insufficient", "access_refused", "rate_limited", "quota_exceeded",
		"per-key secret", "token_invalid (exactly: key_unknown)", "client has 342 characters", "token_unknown", "token_revoked",
		"17 of 17 answers were as expected",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("the tour does not show %q:\n%s", want, output)
		}
	}
}

// TestDemoStaysOnLoopbackAndLeavesNothing: while it stays up, nothing listens
// anywhere but on loopback and every printed curl line does what it says; after a
// kill that it cannot notice, its Envoy is gone, too.
func TestDemoStaysOnLoopbackAndLeavesNothing(t *testing.T) {
	process := startDemo(t)
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if _, err := process.AwaitLine(ctx, "export TOLLGATE_SERVER"); err != nil {
		t.Fatal(err)
	}
	family := append(children(t, process.PID()), process.PID())
	if len(family) != 2 {
		t.Fatalf("%d processes, expected the demo and its Envoy", len(family))
	}
	for _, pid := range family {
		addresses := listening(t, pid)
		if len(addresses) == 0 {
			t.Errorf("process %d listens nowhere: this test sees nothing", pid)
		}
		for _, address := range addresses {
			if address != "0100007F" { // 127.0.0.1 as the kernel prints it
				t.Errorf("process %d listens on %s", pid, address)
			}
		}
	}
	t.Run("curl lines", func(t *testing.T) { runCurlLines(t, process.Output()) })
	t.Run("command line", func(t *testing.T) { runCommandLine(t, process.Output()) })

	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, pid := range family {
		awaitGone(t, pid)
	}
}

func TestDemoEndsOnSignal(t *testing.T) {
	process := startDemo(t)
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if _, err := process.AwaitLine(ctx, "export TOLLGATE_SERVER"); err != nil {
		t.Fatal(err)
	}
	family := children(t, process.PID())
	if err := process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := process.Code(); code != 0 {
		t.Errorf("exit status %d:\n%s", code, process.Output())
	}
	for _, pid := range family {
		awaitGone(t, pid)
	}
}

// runCurlLines runs what the demo says can be pasted. Each line ends with the
// status and the reason to expect.
func runCurlLines(t *testing.T, output string) {
	t.Helper()
	var functions strings.Builder
	lines := 0
	expected := regexp.MustCompile(`# (\d+) ?(\w*)$`)
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "token()"), strings.HasPrefix(line, "half()"):
			functions.WriteString(line + "\n")
		case strings.HasPrefix(line, "curl "), strings.HasPrefix(line, "H="):
			lines++
			want := expected.FindStringSubmatch(line)
			if want == nil {
				t.Fatalf("no expectation at the end of %q", line)
			}
			out, err := exec.CommandContext(t.Context(), "bash", "-c", functions.String()+line).Output()
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			head := string(out[:min(len(out), 2000)])
			if !strings.HasPrefix(head, "HTTP/1.1 "+want[1]+" ") || want[2] != "" && !strings.Contains(head, "x-tollgate-reason: "+want[2]+"\r\n") {
				t.Errorf("%s\nanswered:\n%s", line, head)
			}
		}
	}
	if lines < 10 {
		t.Errorf("%d curl lines, expected ten", lines)
	}
}

// runCommandLine pastes the line with the admin secret and lists the tour's key.
func runCommandLine(t *testing.T, output string) {
	t.Helper()
	at := strings.Index(output, "\nexport TOLLGATE_SERVER=")
	if at < 0 {
		t.Fatal("no line for the admin API")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(output[at:]), "\n")
	out, err := exec.CommandContext(t.Context(), "bash", "-c", line+"\n"+tollgate(t)+" keys list").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "aaa-bbb-") {
		t.Errorf("%v: %s", err, out)
	}
}

// children are the processes that pid has started.
func children(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that has ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, child)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// listening gives the local addresses, in the kernel's hexadecimal, that a process
// accepts TCP connections on.
func listening(t *testing.T, pid int) []string {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	sockets := map[string]bool{}
	for _, link := range links {
		target, err := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); err == nil && ok {
			sockets[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var found []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // no IPv6 here
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			const listen = "0A"
			if len(fields) > 9 && fields[3] == listen && sockets[fields[9]] {
				address, _, _ := strings.Cut(fields[1], ":")
				found = append(found, address)
			}
		}
	}
	return found
}

// awaitGone waits until a process is gone, or dead and only not yet collected.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := newDeadline(t)
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(text), ") Z ") {
			return
		}
		deadline.wait("the end of process " + strconv.Itoa(pid))
	}
}
