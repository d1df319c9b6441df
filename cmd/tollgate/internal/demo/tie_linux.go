package demo

import (
	"os/exec"
	"runtime"
	"syscall"
)

// startTied starts command so that the kernel ends it when this process ends,
// however that happens: nothing is left running after a kill -9. The signal
// follows the thread that started the child, so that thread is kept until
// ended is closed.
func startTied(command *exec.Cmd, ended <-chan struct{}) error {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			<-ended
		}
	}()
	return <-started
}
