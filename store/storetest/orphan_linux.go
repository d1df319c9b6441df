package storetest

import "syscall"

// dieWithTest ends a server when the test process ends, however that is.
func dieWithTest() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
