package local

import "syscall"

// endsWithParent has a process end when the one that started it is killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
