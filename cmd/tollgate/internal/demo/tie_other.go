//go:build !linux

package demo

import (
	"os/exec"
	"syscall"
)

// startTied starts command in its own process group; only Linux can tie it to
// the life of this process.
func startTied(command *exec.Cmd, _ <-chan struct{}) error {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return command.Start()
}
